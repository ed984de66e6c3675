# --- init: the host's init system ---
# init_name: prints the name of process 1, nothing where this root is not the running system's.
init_name() {
    in_theirs=$(stat -Lc %d:%i /proc/1/root/ 2>/dev/null) || return 0
    in_ours=$(stat -Lc %d:%i /)
    [ "$in_ours" = "$in_theirs" ] || return 0
    IFS= read -r in_name </proc/1/comm && printf '%s\n' "$in_name"
}

# init_is_running: false in a chroot, an image being built, a container without an init.
init_is_running() {
    case $(init_name) in
        systemd | init | upstart | runit | runit-init | s6-svscan | openrc-init | procd) return 0 ;;
    esac
    return 1
}
