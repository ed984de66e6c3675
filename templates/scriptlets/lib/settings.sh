# --- settings: the record of this install ---
clear_settings() {
    set_version=
    set_prefix=
    set_data_dir=
    set_user=
    set_group=
    set_uid=
    set_gid=
    set_user_created=no
    set_group_created=no
    set_prefix_created=
    set_data_dir_created=
    set_init=
    set_monitor=enabled
    set_runtime_env=
    set_kind=install
}

# read_settings FILE: sets set_*. The file is read, never executed.
# Returns 1 when it is absent, 2 when it is damaged.
read_settings() {
    clear_settings
    [ -f "$1" ] || return 1
    while IFS= read -r rs_line || [ -n "$rs_line" ]; do
        rs_value=${rs_line#*=}
        case $rs_value in
            *[!A-Za-z0-9._/:@+-]*)
                case $rs_line in
                    \#*) continue ;;
                esac
                return 2
                ;;
        esac
        case $rs_line in
            VEN_VERSION=*) set_version=$rs_value ;;
            VEN_PREFIX=*) set_prefix=$rs_value ;;
            VEN_DATA_DIR=*) set_data_dir=$rs_value ;;
            VEN_NONPRIV_USER=*) set_user=$rs_value ;;
            VEN_NONPRIV_GROUP=*) set_group=$rs_value ;;
            VEN_NONPRIV_UID=*) set_uid=$rs_value ;;
            VEN_NONPRIV_GID=*) set_gid=$rs_value ;;
            VEN_USER_CREATED=*) set_user_created=$rs_value ;;
            VEN_GROUP_CREATED=*) set_group_created=$rs_value ;;
            VEN_PREFIX_CREATED=*) set_prefix_created=$rs_value ;;
            VEN_DATA_DIR_CREATED=*) set_data_dir_created=$rs_value ;;
            VEN_INIT=*) set_init=$rs_value ;;
            VEN_MONITOR=*) set_monitor=$rs_value ;;
            VEN_INSTALL_KIND=*) set_kind=$rs_value ;;
            ILLUMIO_RUNTIME_ENV=*) set_runtime_env=$rs_value ;;
        esac
    done <"$1"
    case $set_prefix,$set_data_dir in
        /*,/*) ;;
        *) return 2 ;;
    esac
    [ -n "$set_user" ] && [ -n "$set_group" ] || return 2
}
