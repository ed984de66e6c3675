# remove_init: takes the agent out of every init system it may have been hooked into.
remove_init() {
    ri_script=
    if ri_dir=$(sysv_dir) && [ -e "$ri_dir/illumio-ven" ]; then
        ri_script=$ri_dir/illumio-ven
        if have chkconfig; then
            chkconfig --del illumio-ven || warn "chkconfig --del illumio-ven failed"
        fi
    fi
    ri_unit=$(ls -d "$ven_unit" 2>/dev/null)
    rm -f "$ven_unit_link" "$ven_unit" "$ven_upstart_job" "$ven_cron" ${ri_script:+"$ri_script"} ||
        warn "remove these by hand: $ven_unit_link $ven_unit $ven_upstart_job $ven_cron $ri_script"
    if [ -n "$ri_script" ]; then
        # update-rc.d wants the script gone.
        if have update-rc.d; then
            update-rc.d illumio-ven remove || warn "update-rc.d illumio-ven remove failed"
        elif ! have chkconfig && have insserv; then
            insserv -r illumio-ven || warn "insserv -r illumio-ven failed"
        fi
    fi
    if [ -n "$ri_unit" ] && [ "$(init_name)" = systemd ]; then
        systemctl daemon-reload || warn "systemctl daemon-reload failed"
    fi
}
