# --- base: environment, messages ---
# A fixed environment: scriptlets inherit that of whoever runs the package manager.
set -u
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022

# Directory of the recorded settings. It does not depend on the prefix, so that an
# upgrade finds the settings of a relocated install.
ven_etc=/etc/illumio_ven
ven_settings=$ven_etc/install.env
ven_pending=$ven_etc/install.env.pending
ven_previous=$ven_etc/install.env.previous
ven_restart_mark=$ven_etc/restart.pending

say() {
    printf '%s\n' "{{ package }}: $*"
}

warn() {
    printf '%s\n' "{{ package }}: warning: $*" >&2
}

fail() {
    printf '%s\n' "{{ package }}: error: $*" >&2
    exit 1
}
