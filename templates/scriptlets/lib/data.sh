# --- data: the data directory and what the variables put into it ---
# make_data_dir: 0750; {% if family == "rpm" %}owned by the agent's user{% else %}owned by root until activation{% endif %}. What an earlier install left is
# handed to the user again; a running agent's directory is left as it is.
make_data_dir() {
    md_dir=$set_data_dir/illumio_ven_data
    md_owner={% if family == "rpm" %}$set_user{% else %}root{% endif %}

    [ ! -e "$md_dir/etc/agent_activation.cfg" ] || md_owner=$set_user
    if [ -h "$md_dir" ] || [ -h "$md_dir/etc" ]; then
        warn "$md_dir or its etc is a symbolic link: remove it"
        return 1
    fi
    mkdir -p "$set_data_dir" || return 1
    if [ -d "$md_dir" ]; then
        if [ "$keep_owner" = no ]; then
            chown -hR "$set_user:$set_group" "$md_dir" || return 1
        fi
    else
        mkdir "$md_dir" || return 1
        keep_owner=no
    fi
    chmod 0750 "$md_dir" || return 1
    [ "$keep_owner" = yes ] || chown "$md_owner:$set_group" "$md_dir" || return 1
    # Root-owned: the agent reads its configuration, it does not write it.
    mkdir -p "$md_dir/etc" && chmod 0750 "$md_dir/etc" && chown "root:$set_group" "$md_dir/etc" || return 1
    for md_file in "$md_dir"/etc/*; do
        if [ -f "$md_file" ] && [ ! -h "$md_file" ]; then
            chown "root:$set_group" "$md_file" || return 1
        fi
    done
}

# Substitution drops newlines at the end.
ven_newline=$(printf '\n.')
ven_newline=${ven_newline%.}

# runtime_env_keys: echo, a builtin everywhere: key paths must not show in the process list.
runtime_env_keys() {
    echo_key kerberos_workload_spn "${VEN_KERBEROS_WORKLOAD_SPN:-}"
    echo_key kerberos_management_server_spn "${VEN_KERBEROS_MANAGEMENT_SERVER_SPN:-}"
    echo_key kerberos_library_path "${VEN_KERBEROS_LIBRARY_PATH:-}"
    echo_key pki_client_cert "${VEN_PKI_CLIENT_CERT:-}"
    echo_key pki_client_key "${VEN_PKI_CLIENT_KEY:-}"
    echo_key proxy_server "${VEN_PROXY_SERVER:-}"
    echo_key no_suspend "${VEN_NO_SUSPEND:-}"
}

# write_runtime_env: puts the values that are set into runtime_env.yml, keeps its other lines.
write_runtime_env() {
    wr_file=$set_data_dir/illumio_ven_data/etc/runtime_env.yml
    wr_new=$(runtime_env_keys)
    [ -n "$wr_new" ] || return 0
    (
        umask 077
        {
            [ ! -f "$wr_file" ] || keep_other_keys <"$wr_file"
            echo "$wr_new"
        } >"$wr_file.new"
    ) && chown "root:$set_group" "$wr_file.new" && chmod 0640 "$wr_file.new" && mv -f "$wr_file.new" "$wr_file"
}

echo_key() {
    [ -z "$2" ] || echo "$1: $2"
}

keep_other_keys() {
    while IFS= read -r ko_line || [ -n "$ko_line" ]; do
        case $ven_newline$wr_new in
            *"$ven_newline${ko_line%%:*}: "*) ;;
            *) echo "$ko_line" ;;
        esac
    done
}

# write_activation: agent_activation.cfg, readable by root alone. The agent reads it when it starts.
write_activation() {
    [ -n "${VEN_INSTALL_ACTION:-}" ] || return 0
    [ -n "${VEN_MANAGEMENT_SERVER:-}" ] || return 0
    wa_file=$set_data_dir/illumio_ven_data/etc/agent_activation.cfg
    (
        umask 077
        {
            [ -z "${VEN_ACTIVATION_CODE:-}" ] || echo "activation_code: $VEN_ACTIVATION_CODE"
            echo "masterconfig_server: $VEN_MANAGEMENT_SERVER"
        } >"$wa_file.new"
    ) && chown root:root "$wa_file.new" && mv -f "$wa_file.new" "$wa_file" || return 1
    # What starts from here on must not inherit the code.
    unset VEN_ACTIVATION_CODE
    [ "$VEN_INSTALL_ACTION" = prepare ] || chown "$set_user:$set_group" "$set_data_dir/illumio_ven_data"
}
