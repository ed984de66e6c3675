# start_agent: through the init system; where that fails, directly.
start_agent() {
    "$set_prefix/illumio_ven/bin/init_Platform" start && return 0
    warn "the init system did not start the agent: trying without it"
    "$set_prefix/illumio_ven/bin/init_Platform" start --direct
}

# restart_agent: the mark outlives an interruption, so that the next run finishes the job.
restart_agent() {
    : >"$ven_restart_mark" || return 1
    if ! agent_ctl stop; then
        warn "the old agent did not stop: it keeps running"
        return 1
    fi
    start_agent && rm -f "$ven_restart_mark"
}
