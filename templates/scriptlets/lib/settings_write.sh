# write_settings FILE: writes set_* beside its place, then renames: whole or not at all.
write_settings() {
    mkdir -p "$ven_etc" && chmod 0755 "$ven_etc" || return 1
    {
        echo "# Settings of this {{ package }} install, written by the package. No secrets."
        echo "VEN_VERSION=$set_version"
        echo "VEN_PACKAGE_FORMAT={{ family }}"
        echo "VEN_PREFIX=$set_prefix"
        echo "VEN_DATA_DIR=$set_data_dir"
        echo "VEN_NONPRIV_USER=$set_user"
        echo "VEN_NONPRIV_GROUP=$set_group"
        echo "VEN_NONPRIV_UID=$set_uid"
        echo "VEN_NONPRIV_GID=$set_gid"
        echo "VEN_USER_CREATED=$set_user_created"
        echo "VEN_GROUP_CREATED=$set_group_created"
        echo "VEN_PREFIX_CREATED=$set_prefix_created"
        echo "VEN_DATA_DIR_CREATED=$set_data_dir_created"
        echo "VEN_INIT=$set_init"
        echo "VEN_INSTALL_KIND=$set_kind"
        echo "VEN_MONITOR=$set_monitor"
        echo "ILLUMIO_RUNTIME_ENV=$set_runtime_env"
    } >"$1.new" && chmod 0644 "$1.new" && mv -f "$1.new" "$1"
}
