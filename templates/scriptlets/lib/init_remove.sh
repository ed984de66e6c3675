# remove_init: takes the agent out of every init system it may have been hooked into.
remove_init() {
    if ri_dir=$(sysv_dir) && [ -e "$ri_dir/illumio-ven" ]; then
        if have chkconfig; then
            chkconfig --del illumio-ven || warn "chkconfig --del illumio-ven failed"
        fi
        rm -f "$ri_dir/illumio-ven" || warn "$ri_dir/illumio-ven could not be removed: remove it"
        if have update-rc.d; then
            update-rc.d illumio-ven remove || warn "update-rc.d illumio-ven remove failed"
        elif ! have chkconfig && have insserv; then
            insserv -r illumio-ven || warn "insserv -r illumio-ven failed"
        fi
    fi
    ri_unit=$(ls -d "$ven_unit" 2>/dev/null)
    rm -f "$ven_unit_link" "$ven_unit" "$ven_upstart_job" "$ven_cron" ||
        warn "remove these by hand: $ven_unit_link $ven_unit $ven_upstart_job $ven_cron"
    if [ -n "$ri_unit" ] && [ "$(init_name)" = systemd ]; then
        systemctl daemon-reload || warn "systemctl daemon-reload failed"
    fi
}
