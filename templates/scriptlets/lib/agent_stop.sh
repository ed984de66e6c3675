# stop_agent: by the control program; on a half-removed host by the recorded process number.
stop_agent() {
    if [ -x "$set_prefix/illumio_ven/illumio-ven-ctl" ] && [ "$ven_settings_found" = yes ]; then
        agent_ctl stop
        return
    fi
    for sa_name in venAgentMonitor venAgentMgr; do
        stop_by_pid_file "$sa_name" || return 1
    done
}

stop_by_pid_file() { # NAME
    sp_file=$set_data_dir/illumio_ven_data/run/$1.pid
    [ -f "$sp_file" ] || return 0
    read -r sp_pid <"$sp_file"
    is_our_process "$1" || return 0
    kill -TERM "$sp_pid" || return 1
    for sp_try in 1 2 3 4 5 6 7 8 9 10; do
        is_our_process "$1" || return 0
        sleep 1
    done
    kill -KILL "$sp_pid"
}

is_our_process() { # NAME: the number may belong to another process by now
    case $sp_pid in "" | *[!0-9]*) return 1 ;; esac
    [ -r "/proc/$sp_pid/comm" ] && read -r op_comm <"/proc/$sp_pid/comm" && [ "$op_comm" = "$1" ]
}
