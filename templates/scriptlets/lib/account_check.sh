# check_account: which user and group the agent gets. Sets set_user, set_group, set_uid,
# set_gid (empty: still to be made, with any number).
check_account() {
    if [ -n "${VEN_NONPRIV_USER:-}" ]; then
        check_named_user "$VEN_NONPRIV_USER" VEN_NONPRIV_USER
    elif [ -n "$kept_user" ] && [ "$kept_user" != "{{ default_user }}" ]; then
        check_named_user "$kept_user" "VEN_NONPRIV_USER (of the installed agent)"
    else
        check_own_group
        check_own_user
    fi
}

check_named_user() { # USER ORIGIN: must exist; its primary group comes with it
    set_user=$1
    set_group=
    case $1 in
        [.-]* | *[!A-Za-z0-9._-]*)
            problem "$2" "$1" "not a user name of letters, digits and . _ -" "name an existing user"
            return 0
            ;;
    esac
    case $1 in
        *[!0-9]*) ;;
        *)
            # Looked up, it would be taken for the number of another user.
            problem "$2" "$1" "is a number, not a user name" "give the name of the user"
            return 0
            ;;
    esac
    if ! lookup passwd "$1" >/dev/null; then
        problem "$2" "$1" "there is no such user" \
            "create the user first, or unset VEN_NONPRIV_USER to have {{ default_user }} created"
        return 0
    fi
    set_uid=$(id -u "$1") && set_gid=$(id -g "$1") || set_uid=
    # Of a group without a name id prints the number, and fails.
    set_group=$(id -gn "$1" 2>/dev/null) || set_group=
    case $set_uid in
        "") problem "$2" "$1" "its numbers cannot be looked up" "see what \"id $1\" says" ;;
        0) problem "$2" "$1" "the agent must not run as root" "name an unprivileged user" ;;
    esac
    case $set_group in
        "" | *[!A-Za-z0-9._-]*) problem "$2" "$1" "its primary group has no usable name" "name another user" ;;
    esac
}

check_own_group() {
    set_group={{ default_group }}
    set_gid=${VEN_NONPRIV_GID:-}
    if [ -n "$set_gid" ] && ! is_number "$set_gid"; then
        problem VEN_NONPRIV_GID "$set_gid" "not a group number from 1 to 2099999999" "give a free number, or unset it"
        return 0
    fi
    if co_entry=$(lookup group "$set_group"); then
        co_id=$(entry_id "$co_entry")
        [ "${set_gid:-$co_id}" = "$co_id" ] ||
            problem VEN_NONPRIV_GID "$set_gid" "the group $set_group exists with number $co_id" \
                "unset VEN_NONPRIV_GID, or change the group first"
        set_gid=$co_id
    elif [ -n "$set_gid" ] && co_entry=$(lookup group "$set_gid"); then
        problem VEN_NONPRIV_GID "$set_gid" "is the number of the group ${co_entry%%:*}" "give a free number"
    fi
}

check_own_user() {
    set_user={{ default_user }}
    set_uid=${VEN_NONPRIV_UID:-}
    if [ -n "$set_uid" ] && ! is_number "$set_uid"; then
        problem VEN_NONPRIV_UID "$set_uid" "not a user number from 1 to 2099999999" "give a free number, or unset it"
        return 0
    fi
    if co_entry=$(lookup passwd "$set_user"); then
        co_id=$(entry_id "$co_entry")
        [ "${set_uid:-$co_id}" = "$co_id" ] ||
            problem VEN_NONPRIV_UID "$set_uid" "the user $set_user exists with number $co_id" \
                "unset VEN_NONPRIV_UID, or change the user first"
        set_uid=$co_id
        [ "$co_id" != 0 ] || problem VEN_NONPRIV_USER "$set_user" "the agent must not run as root" "change the number of $set_user"
    elif [ -n "$set_uid" ] && co_entry=$(lookup passwd "$set_uid"); then
        problem VEN_NONPRIV_UID "$set_uid" "is the number of the user ${co_entry%%:*}" "give a free number"
    fi
}
