{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/have.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/settings_write.sh" %}
{% include "scriptlets/lib/account.sh" %}
{% include "scriptlets/lib/account_check.sh" %}
{% include "scriptlets/lib/account_create.sh" %}
{% include "scriptlets/lib/account_remove.sh" %}
{% include "scriptlets/lib/validate.sh" %}
{% include "scriptlets/lib/resolve.sh" %}
{% include "scriptlets/lib/dirs.sh" %}
{% include "scriptlets/lib/phase_before_install.sh" %}

ven_prefix=${RPM_INSTALL_PREFIX:-{{ default_prefix }}}
# The number of installed instances once this one is there.
if [ "$1" -ge 2 ]; then
    ven_kind=upgrade
    ven_keep=yes
else
    ven_kind=install
    ven_keep=no
fi
before_install
