# remove_made_dirs PATH TOP: removes PATH and its parents up to TOP, as far as they are empty.
remove_made_dirs() {
    [ -n "$2" ] || return 0
    rd_path=$1
    while :; do
        case $rd_path/ in
            "$2"/*) ;;
            *) return 0 ;;
        esac
        if [ -d "$rd_path" ]; then
            rmdir "$rd_path" 2>/dev/null || return 0
        fi
        rd_path=${rd_path%/*}
    done
}
