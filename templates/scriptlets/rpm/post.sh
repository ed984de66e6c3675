{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/have.sh" %}
{% include "scriptlets/lib/settings.sh" %}
{% include "scriptlets/lib/settings_write.sh" %}
{% include "scriptlets/lib/data.sh" %}
{% include "scriptlets/lib/init_common.sh" %}
{% include "scriptlets/lib/init_sysv.sh" %}
{% include "scriptlets/lib/init_install.sh" %}
{% include "scriptlets/lib/phase_after_install.sh" %}

after_install
