# forget_install: removes the settings and the account that the install created.
forget_install() {
    rm -rf "$ven_etc"
    remove_account
    remove_made_dirs "$set_prefix" "$set_prefix_created"
    remove_made_dirs "$set_data_dir" "$set_data_dir_created"
}
