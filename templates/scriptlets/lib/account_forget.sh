# remove_account: removes the user and group that the install created, no others.
remove_account() {
    [ "$set_user_created" != yes ] || remove_user "{{ default_user }}"
    [ "$set_group_created" != yes ] || remove_group "{{ default_group }}"
}
