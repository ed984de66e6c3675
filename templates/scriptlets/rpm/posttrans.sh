{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/have.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/init_common.sh" %}
{% include "scriptlets/lib/agent.sh" %}
{% include "scriptlets/lib/agent_start.sh" %}
{% include "scriptlets/lib/phase_finish.sh" %}

# %post says what to do when it could not finish.
if [ -f "$ven_pending" ] || ! read_settings "$ven_settings"; then
    warn "the installation is incomplete: see the message above"
    exit 1
fi
unset VEN_ACTIVATION_CODE
finish_or_fail "$set_prefix/illumio_ven/illumio-ven-ctl start"
