# --- phases: removal ---
# load_settings_or_defaults DEFAULT_PREFIX: removal works on a half-removed host too.
load_settings_or_defaults() {
    ven_settings_found=yes
    read_settings "$ven_settings" && return 0
    ven_settings_found=no
    warn "$ven_settings is missing or damaged: defaults are used"
    clear_settings
    set_prefix=$1
    set_data_dir={{ default_prefix }}
    set_user={{ default_user }}
    set_group={{ default_group }}
}
