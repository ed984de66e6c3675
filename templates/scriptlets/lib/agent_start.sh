# on_host COMMAND...: newer rpm runs scripts without network and with private directories; an
# agent started there would have to live in them.
on_host() {
    oh_ours=$(readlink /proc/self/ns/net 2>/dev/null)
    oh_theirs=$(readlink /proc/1/ns/net 2>/dev/null)
    if [ "$oh_ours" = "$oh_theirs" ] || [ -z "$oh_theirs" ]; then
        "$@"
    elif have nsenter; then
        nsenter -t 1 -m -n -- "$@"
    else
        warn "nsenter is not there to start the agent outside the name spaces of the package manager"
        return 1
    fi
}

# mark_restart: the mark outlives an interruption, so that the next run starts the agent.
mark_restart() {
    mkdir -p "$ven_etc" && : >"$ven_restart_mark"
}

# start_agent: through the init system; where that fails, directly.
start_agent() {
    if ! on_host "$set_prefix/illumio_ven/bin/init_Platform" start; then
        warn "the agent did not start: trying without the init system"
        on_host "$set_prefix/illumio_ven/bin/init_Platform" start --direct || return 1
    fi
    rm -f "$ven_restart_mark" || warn "$ven_restart_mark cannot be removed: remove it"
}

# restart_agent: between stop and start nothing else may fail.
restart_agent() {
    mark_restart || return 1
    if ! agent_ctl stop; then
        warn "the old agent did not stop: it keeps running"
        return 1
    fi
    start_agent
}
