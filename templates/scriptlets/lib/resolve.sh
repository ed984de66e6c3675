# --- resolve: variables and recorded settings become the settings of this install ---
# resolve_settings: needs ven_prefix, ven_kind (install|upgrade) and ven_keep (yes: recorded
# settings bind). Reports every problem and
# exits before anything has changed.
resolve_settings() {
    # old_*: of the installed agent, which stays where it is. kept_*: for what no variable names.
    old_prefix=
    old_data_dir=
    old_user=
    kept_data_dir=
    kept_user=
    kept_runtime_env=
    if [ "$ven_keep" = yes ]; then
        load_old_settings
    elif ! read_settings "$ven_pending"; then
        # Of an install that was interrupted only what it had created is of use.
        clear_settings
    fi
    check_variables
    [ "$ven_keep" = no ] || check_moves
    [ "$ven_problems" = 0 ] || fail "nothing was changed: $ven_problems problem(s) above"

    set_version="{{ release_id }}"
    set_prefix=$ven_prefix
    set_data_dir=${VEN_DATA_DIR:-${kept_data_dir:-{{ default_prefix }}}}
    set_data_dir=${set_data_dir%/}
    set_runtime_env=${ILLUMIO_RUNTIME_ENV:-$kept_runtime_env}
    # At an upgrade the recorded value stays; a value other than true has no effect.
    [ "${VEN_DISABLE_MONITOR_RESTART:-}" != true ] || set_monitor=disabled
    set_kind=$ven_kind
}

load_old_settings() {
    read_settings "$ven_settings"
    case $? in
        0)
            old_prefix=$set_prefix
            old_data_dir=$set_data_dir
            old_user=$set_user
            keep_recorded
            ;;
        1)
            if read_settings "$ven_pending"; then
                # The first installation did not come to its end: this is it, once more.
                ven_kind=$set_kind
                keep_recorded
                return 0
            fi
            warn "$ven_settings is missing: defaults are used where no variable is set"
{% if family == "rpm" %}
            if [ ! -e "$ven_prefix/illumio_ven" ]; then
                problem --prefix "$ven_prefix" "the installed agent is not there, and $ven_settings does not say where it is" \
                    "give the directory of the installed agent: rpm -Uvh --prefix=DIRECTORY {{ package_file }}"
            fi
{% endif %}
            ;;
        2)
            clear_settings
            problem "$ven_settings" "(damaged)" "the recorded settings cannot be read" \
                "restore it, or remove it and give VEN_DATA_DIR and VEN_NONPRIV_USER as at the first install"
            ;;
    esac
}

keep_recorded() {
    kept_data_dir=$set_data_dir
    kept_user=$set_user
    kept_runtime_env=$set_runtime_env
}

# check_moves: an upgrade stays where the agent is, unless VEN_ALLOW_MOVE=true.
check_moves() {
    [ "${VEN_ALLOW_MOVE:-}" != true ] || return 0
    cm_moved=no
{% if family == "rpm" %}
    if [ -n "$old_prefix" ] && [ "$old_prefix" != "$ven_prefix" ]; then
        cm_moved=yes
        problem --prefix "$ven_prefix" "the installed agent is in $old_prefix" "an upgrade does not move it"
    fi
{% endif %}
    cm_data_dir=${VEN_DATA_DIR:-$old_data_dir}
    if [ -n "$old_data_dir" ] && [ "${cm_data_dir%/}" != "$old_data_dir" ]; then
        cm_moved=yes
        problem VEN_DATA_DIR "$VEN_DATA_DIR" "the data of the installed agent is in $old_data_dir" "an upgrade does not move it"
    fi
    if [ -n "$old_user" ] && [ "${VEN_NONPRIV_USER:-$old_user}" != "$old_user" ]; then
        cm_moved=yes
        problem VEN_NONPRIV_USER "$VEN_NONPRIV_USER" "the installed agent runs as $old_user" "an upgrade does not change it"
    fi
    [ "$cm_moved" = no ] || explain_move
}

explain_move() {
    em_command="VEN_DATA_DIR=$old_data_dir"
    [ "$old_user" = "{{ default_user }}" ] || em_command="VEN_NONPRIV_USER=$old_user $em_command"
{% if family == "rpm" %}
    em_command="$em_command rpm -Uvh --prefix=$old_prefix {{ package_file }}"
{% else %}
    em_command="$em_command dpkg -i {{ package_file }}"
{% endif %}
    printf '%s\n' "{{ package }}: to upgrade the agent where it is, run:" "    $em_command" \
        "{{ package }}: to change it on purpose, set VEN_ALLOW_MOVE=true (old data stays in $old_data_dir/illumio_ven_data)" >&2
}
