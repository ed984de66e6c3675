# detect_init: prints systemd, upstart, sysv, cron or none.
detect_init() {
    if [ "$(init_name)" = systemd ]; then
        echo systemd
    elif init_is_running; then
        detect_other_init
    elif [ -x /usr/lib/systemd/systemd ] || [ -x /lib/systemd/systemd ]; then
        # Not running here and now: what the image will boot with.
        echo systemd
    else
        detect_other_init
    fi
}

detect_other_init() {
    if have initctl && [ -d /etc/init ] && initctl version 2>/dev/null | grep upstart >/dev/null; then
        echo upstart
    elif sysv_dir >/dev/null && { have chkconfig || have update-rc.d || have insserv; }; then
        echo sysv
    elif [ -d /etc/cron.d ]; then
        echo cron
    else
        echo none
    fi
}

# place_service TEMPLATE FILE MODE: a regular file with the prefix filled in; a link into the
# prefix would break when that is another file system or is not mounted yet.
place_service() {
    mkdir -p "${2%/*}" &&
        sed "s|@PREFIX@|$set_prefix|g" "$set_prefix/illumio_ven/etc/templates/$1" >"$2.new" &&
        chmod "$3" "$2.new" && mv -f "$2.new" "$2"
}

# install_init: hooks the agent into the init system; at an upgrade it renews the files and
# respects what the administrator enabled or disabled.
install_init() {
    ii_before=$set_init
    set_init=$(detect_init)
    [ "$set_kind" = upgrade ] || ii_before=
    case $set_init in
        systemd) install_systemd ;;
        upstart) place_service illumio-ven.conf "$ven_upstart_job" 0644 ;;
        sysv) install_sysv ;;
        cron) install_cron ;;
        none)
            warn "no init system and no /etc/cron.d: start the agent with $set_prefix/illumio_ven/bin/init_Platform start"
            ;;
    esac
}

install_systemd() {
    place_service illumio-ven.service "$ven_unit" 0644 || return 1
    if [ "$ii_before" != systemd ]; then
        mkdir -p "${ven_unit_link%/*}" && ln -sf ../illumio-ven.service "$ven_unit_link" || return 1
    fi
    if [ "$(init_name)" = systemd ]; then
        systemctl daemon-reload || warn "systemctl daemon-reload failed: run it before the next start"
    fi
}

install_sysv() {
    is_script=$(sysv_dir)/illumio-ven
    place_service illumio-ven.init "$is_script" 0755 || return 1
    [ "$ii_before" != sysv ] || return 0
    if have chkconfig; then
        chkconfig --add illumio-ven
    elif have update-rc.d; then
        update-rc.d illumio-ven defaults
    else
        insserv illumio-ven
    fi
}

install_cron() {
    if [ "$set_monitor" = disabled ]; then
        rm -f "$ven_cron"
        say "no cron job, as VEN_DISABLE_MONITOR_RESTART=true asks"
    elif [ "$ii_before" = cron ] && [ "$old_prefix" = "$set_prefix" ]; then
        # The administrator may have edited or removed it.
        return 0
    else
        place_service illumio-ven.cron "$ven_cron" 0644
    fi
}
