remove_user() {
    lookup passwd "$1" >/dev/null || return 0
    if have userdel; then
        userdel "$1" || warn "the user $1 could not be removed: userdel $1"
    elif have deluser; then
        deluser "$1" || warn "the user $1 could not be removed: deluser $1"
    else
        warn "neither userdel nor deluser is there: the user $1 stays"
    fi
}

remove_group() {
    # userdel may have removed the group along with its user.
    lookup group "$1" >/dev/null || return 0
    if have groupdel; then
        groupdel "$1" || warn "the group $1 could not be removed: groupdel $1"
    elif have delgroup; then
        delgroup "$1" || warn "the group $1 could not be removed: delgroup $1"
    else
        warn "neither groupdel nor delgroup is there: the group $1 stays"
    fi
}
