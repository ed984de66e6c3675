# --- dirs: directories that the install may have to make ---
# first_missing PATH: prints the topmost directory of PATH that does not exist.
first_missing() {
    fm_path=$1
    fm_top=
    while [ ! -d "$fm_path" ]; do
        fm_top=$fm_path
        fm_path=${fm_path%/*}
        fm_path=${fm_path:-/}
    done
    printf '%s\n' "$fm_top"
}
