# --- account: user and group of the agent ---
# lookup passwd|group NAME-OR-NUMBER: prints the entry, as getent does.
lookup() {
    if have getent; then
        getent "$1" "$2"
        return
    fi
    while IFS=: read -r lu_name lu_password lu_id lu_rest; do
        if [ "$lu_name" = "$2" ] || [ "$lu_id" = "$2" ]; then
            printf '%s\n' "$lu_name:$lu_password:$lu_id:$lu_rest"
            return 0
        fi
    done <"/etc/$1"
    return 2
}

# entry_id ENTRY: the number in a passwd or group entry.
entry_id() {
    ei_rest=${1#*:*:}
    printf '%s\n' "${ei_rest%%:*}"
}
