#!/bin/sh
# Prints the pairing status of the VEN.
{% include "scriptlets/lib/base.sh" %}
{% include "scriptlets/lib/settings.sh" %}

as_result=0

line() { # TEXT COMMAND...: prints SUCCESS or FAILURE after the text
    as_text=$1
    shift
    if "$@" >/dev/null 2>&1; then
        printf '%s\n' "$as_text .....SUCCESS"
    else
        printf '%s\n' "$as_text .....FAILURE"
        as_result=1
    fi
}

read_settings "$ven_settings" || fail "$ven_settings is missing or damaged: install the package again"
printf '%s\n' "Pairing Status"
line "Pairing Configuration exists" test -s "$set_data_dir/illumio_ven_data/etc/agent_activation.cfg"
line "VEN Manager Daemon running" "$set_prefix/illumio_ven/illumio-ven-ctl" status
exit $as_result
