#!/bin/sh
{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/have.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/settings_write.sh" %}
{% include "scriptlets/lib/data.sh" %}
{% include "scriptlets/lib/init_common.sh" %}
{% include "scriptlets/lib/init_sysv.sh" %}
{% include "scriptlets/lib/init_install.sh" %}
{% include "scriptlets/lib/agent.sh" %}
{% include "scriptlets/lib/agent_start.sh" %}
{% include "scriptlets/lib/phase_after_install.sh" %}
{% include "scriptlets/lib/phase_finish.sh" %}

case $1 in
    configure)
        after_install
        unset VEN_ACTIVATION_CODE
        finish_or_fail "dpkg --configure {{ package }}"
        ;;
    abort-remove)
        # prerm stopped an agent that is to stay after all.
        if [ -f "$ven_restart_mark" ] && read_settings "$ven_settings"; then
            start_agent || fail "the agent is not running: $set_prefix/illumio_ven/illumio-ven-ctl start"
        fi
        ;;
    abort-upgrade | abort-deconfigure)
        # The old agent was not touched.
        ;;
    *) fail "postinst called with unknown argument $1" ;;
esac
