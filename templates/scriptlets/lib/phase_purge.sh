# forget_install: removes the settings and the account that the install created.
forget_install() {
    rm -rf "$ven_etc" || warn "$ven_etc could not be removed: remove it"
    remove_account
    remove_made_dirs "$set_prefix" "$set_prefix_created"
    remove_made_dirs "$set_data_dir" "$set_data_dir_created"
}
