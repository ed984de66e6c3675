#!/bin/sh
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

ven_prefix={{ default_prefix }}
ven_keep=yes
case $1 in
    install)
        # Removed but not purged: the settings of then still count.
        ven_kind=install
        [ -n "${2:-}" ] && [ -f "$ven_settings" ] || ven_keep=no
        before_install
        ;;
    upgrade)
        ven_kind=upgrade
        before_install
        ;;
    abort-upgrade)
        # The old agent was not touched.
        ;;
    *) fail "preinst called with unknown argument $1" ;;
esac
