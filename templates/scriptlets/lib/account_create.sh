# create_account: makes {{ default_group }} and {{ default_user }} where they are missing, and
# remembers that they are ours to remove. Leaves nothing half made.
create_account() {
    if [ "$set_user" = "{{ default_user }}" ]; then
        create_group || return 1
        if ! create_user; then
            undo_account
            return 1
        fi
    fi
    set_uid=$(id -u "$set_user") && set_gid=$(id -g "$set_user") && return 0
    warn "the user $set_user cannot be looked up"
    undo_account
    return 1
}

create_group() {
    lookup group "$set_group" >/dev/null && return 0
    if have groupadd; then
        groupadd -r ${set_gid:+-g "$set_gid"} "$set_group" || return 1
    elif have addgroup; then
        addgroup -S ${set_gid:+-g "$set_gid"} "$set_group" || return 1
    else
        warn "neither groupadd nor addgroup is there to create the group $set_group:" \
            "install passwd or shadow-utils, or create a user and set VEN_NONPRIV_USER"
        return 1
    fi
    set_group_created=yes
    made_group=yes
}

create_user() {
    lookup passwd "$set_user" >/dev/null && return 0
    cu_shell=/bin/false
    for cu_try in /usr/sbin/nologin /sbin/nologin; do
        if [ -x "$cu_try" ]; then
            cu_shell=$cu_try
            break
        fi
    done
    if have useradd; then
        useradd -r ${set_uid:+-u "$set_uid"} -g "$set_group" -d "$set_data_dir/illumio_ven_data" \
            -s "$cu_shell" -c "Illumio VEN" "$set_user" || return 1
    elif have adduser; then
        adduser -S -D -H ${set_uid:+-u "$set_uid"} -G "$set_group" -h "$set_data_dir/illumio_ven_data" \
            -s "$cu_shell" -g "Illumio VEN" "$set_user" || return 1
    else
        warn "neither useradd nor adduser is there to create the user $set_user:" \
            "install passwd or shadow-utils, or create a user and set VEN_NONPRIV_USER"
        return 1
    fi
    set_user_created=yes
    made_user=yes
}

# undo_account: takes back what create_account made in this run.
undo_account() {
    [ "$made_user" = no ] || remove_user "$set_user"
    [ "$made_group" = no ] || remove_group "$set_group"
}
