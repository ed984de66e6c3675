{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/agent.sh" %}
{% include "scriptlets/lib/agent_stop.sh" %}
{% include "scriptlets/lib/phase_remove.sh" %}

# Above 0 a newer package takes over: the agent keeps running, its posttrans restarts it.
if [ "$1" = 0 ]; then
    load_settings_or_defaults "${RPM_INSTALL_PREFIX:-{{ default_prefix }}}"
    stop_agent || fail "the agent does not stop: nothing was removed"
fi
