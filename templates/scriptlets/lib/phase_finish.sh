# --- phase: after everything, the old package's scripts included ---
# finish_install: starts a new agent; after an upgrade, restarts one that was running.
finish_install() {
    if [ -f "$ven_previous" ]; then
        stop_previous_agent || return 1
    fi
    if agent_is_running; then
        restart_agent
    elif [ -f "$ven_restart_mark" ]; then
        start_agent
    elif [ "$set_kind" = upgrade ]; then
        say "the agent was not running and was not started"
    elif [ "${VEN_INSTALL_ACTION:-}" = prepare ]; then
        say "prepared: the agent starts at the next boot"
    elif init_is_running; then
        mark_restart || warn "$ven_restart_mark cannot be written"
        start_agent
    else
        say "no init is running here: the agent was not started"
    fi
}

# stop_previous_agent: the agent that was moved still runs by its old settings.
stop_previous_agent() {
    if agent_ctl --settings "$ven_previous" status >/dev/null 2>&1; then
        mark_restart && agent_ctl --settings "$ven_previous" stop || return 1
    fi
    # Left behind, it names an agent that does not run any more.
    rm -f "$ven_previous" || warn "$ven_previous cannot be removed: remove it"
}

# finish_or_fail COMMAND: finish_install, or what to do when it did not succeed.
finish_or_fail() {
    finish_install && return 0
    if agent_is_running; then
        fail "the old agent keeps running. To run the new one: $set_prefix/illumio_ven/illumio-ven-ctl restart"
    fi
    fail "the agent is not running: see $set_data_dir/illumio_ven_data/log, then run $1"
}
