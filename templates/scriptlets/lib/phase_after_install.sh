# --- phase: after the files are unpacked ---
# after_install: data directory, configuration, init system; then the new settings count.
# A running agent is not touched.
after_install() {
    old_prefix=
    old_data_dir=
    old_user=
    if read_settings "$ven_settings"; then
        old_prefix=$set_prefix
        old_data_dir=$set_data_dir
        old_user=$set_user
    fi
    if [ -f "$ven_pending" ]; then
        read_settings "$ven_pending" || give_up "$ven_pending is damaged"
    elif [ -n "$old_prefix" ]; then
        # Configured once more: nothing was unpacked since.
        set_kind=upgrade
    else
        give_up "$ven_pending is missing"
    fi
    keep_owner=no
    if [ "$set_kind" = upgrade ] && [ "$old_user,$old_data_dir" = "$set_user,$set_data_dir" ]; then
        keep_owner=yes
    fi

    hand_over_package || give_up "$set_prefix/illumio_ven cannot be given to the group $set_group"
    make_data_dir || give_up "$set_data_dir/illumio_ven_data cannot be made"
    write_runtime_env || give_up "runtime_env.yml cannot be written"
    write_activation || give_up "agent_activation.cfg cannot be written"
    install_init || give_up "the agent cannot be hooked into $set_init"

    if [ -n "$old_prefix" ] && [ "$old_prefix,$old_data_dir" != "$set_prefix,$set_data_dir" ]; then
        # The running agent is still to be found by its own settings.
        cp "$ven_settings" "$ven_previous" || give_up "$ven_previous cannot be written"
    fi
    # One step: from here on the installation is complete.
    write_settings "$ven_pending" && mv -f "$ven_pending" "$ven_settings" || give_up "$ven_settings cannot be written"
}

give_up() {
{% if family == "rpm" %}
    fail "$1. An agent that was running still runs. Mend the cause, then run: rpm -Uvh --replacepkgs --prefix=$set_prefix {{ package_file }}"
{% else %}
    fail "$1. An agent that was running still runs. Mend the cause, then run: dpkg --configure {{ package }}"
{% endif %}
}

# hand_over_package: the package's files belong to the group {{ default_group }}; a custom user's group
# takes its place.
hand_over_package() {
    [ "$set_group" != "{{ default_group }}" ] || return 0
    chown -hR "root:$set_group" "$set_prefix/illumio_ven"
}
