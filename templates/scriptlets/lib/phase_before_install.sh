# --- phase: before the files are unpacked ---
# before_install: validates, then makes the account and records the settings to come.
before_install() {
    made_user=no
    made_group=no
    resolve_settings
    bi_top=$(first_missing "$set_prefix")
    [ -z "$bi_top" ] || set_prefix_created=$bi_top
    bi_top=$(first_missing "$set_data_dir")
    [ -z "$bi_top" ] || set_data_dir_created=$bi_top

    create_account || fail "the account $set_user could not be made: nothing was installed"
    # dpkg does not make the parents of a package's directory.
    if ! mkdir -p "$set_prefix" || ! write_settings "$ven_pending"; then
        undo_account
        fail "cannot write $set_prefix or $ven_etc: nothing was installed"
    fi
}
