# --- init: the host's init system ---
ven_unit=/etc/systemd/system/illumio-ven.service
ven_unit_link=/etc/systemd/system/multi-user.target.wants/illumio-ven.service
ven_upstart_job=/etc/init/illumio-ven.conf
ven_cron=/etc/cron.d/illumio-ven

# init_name: prints the name of process 1, nothing where this root is not the running system's.
init_name() {
    [ -r /proc/1/comm ] && [ "$(ls -di /proc/1/root/. 2>/dev/null)" != "" ] || return 0
    in_ours=$(ls -di /)
    in_theirs=$(ls -di /proc/1/root/.)
    [ "${in_ours% *}" = "${in_theirs% *}" ] || return 0
    IFS= read -r in_name </proc/1/comm && printf '%s\n' "$in_name"
}

# init_is_running: false in a chroot, an image being built, a container without an init.
init_is_running() {
    case $(init_name) in
        systemd | init | upstart | runit | runit-init | s6-svscan | openrc-init | procd) return 0 ;;
    esac
    return 1
}

sysv_dir() {
    for sd_dir in /etc/rc.d/init.d /etc/init.d; do
        if [ -d "$sd_dir" ]; then
            printf '%s\n' "$sd_dir"
            return 0
        fi
    done
    return 1
}
