#!/bin/sh
{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/have.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/account.sh" %}
{% include "scriptlets/lib/account_remove.sh" %}
{% include "scriptlets/lib/account_forget.sh" %}
{% include "scriptlets/lib/dirs_remove.sh" %}
{% include "scriptlets/lib/init_common.sh" %}
{% include "scriptlets/lib/init_sysv.sh" %}
{% include "scriptlets/lib/init_remove.sh" %}
{% include "scriptlets/lib/phase_remove.sh" %}
{% include "scriptlets/lib/phase_purge.sh" %}

case $1 in
    remove)
        remove_init
        rm -f "$ven_restart_mark"
        ;;
    purge)
        load_settings_or_defaults "{{ default_prefix }}"
        pu_data=$set_data_dir/illumio_ven_data
        [ -h "$pu_data" ] || rm -rf "$pu_data" || fail "$pu_data cannot be removed: remove it, then purge again"
        forget_install
        ;;
    abort-install)
        # The first installation did not come to its end: what preinst made goes.
        if [ ! -f "$ven_settings" ] && read_settings "$ven_pending"; then
            forget_install
        fi
        rm -f "$ven_pending"
        ;;
    abort-upgrade)
        rm -f "$ven_pending"
        ;;
    upgrade | failed-upgrade | disappear)
        ;;
    *) fail "postrm called with unknown argument $1" ;;
esac
