# --- agent: start, stop, restart ---
agent_ctl() {
    "$set_prefix/illumio_ven/illumio-ven-ctl" "$@"
}

agent_is_running() {
    [ -x "$set_prefix/illumio_ven/illumio-ven-ctl" ] && agent_ctl status >/dev/null 2>&1
}
