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

if [ "$1" = 0 ]; then
    load_settings_or_defaults "${RPM_INSTALL_PREFIX:-{{ default_prefix }}}"
    remove_init
    pu_data=$set_data_dir/illumio_ven_data
    if [ -d "$pu_data" ] && [ ! -h "$pu_data" ]; then
        # Kept, and closed: the number of the user may be given to another one.
        chown -hR root:root "$pu_data" && chmod 0700 "$pu_data" ||
            warn "$pu_data still belongs to $set_user: chown -hR root:root $pu_data"
        say "the data directory $pu_data is kept: remove it when it is no longer needed"
    fi
    forget_install
fi
