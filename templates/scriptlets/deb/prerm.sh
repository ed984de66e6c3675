#!/bin/sh
{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/agent.sh" %}
{% include "scriptlets/lib/agent_stop.sh" %}
{% include "scriptlets/lib/phase_remove.sh" %}

case $1 in
    remove)
        load_settings_or_defaults "{{ default_prefix }}"
        if agent_is_running; then
            # For postinst abort-remove.
            mkdir -p "$ven_etc" && : >"$ven_restart_mark"
        fi
        stop_agent || fail "the agent does not stop: nothing was removed"
        ;;
    upgrade | failed-upgrade | deconfigure)
        # The agent keeps running; the postinst of the new package restarts it.
        ;;
    *) fail "prerm called with unknown argument $1" ;;
esac
