# What the install puts outside its own directory.
ven_unit=/etc/systemd/system/illumio-ven.service
ven_unit_link=/etc/systemd/system/multi-user.target.wants/illumio-ven.service
ven_upstart_job=/etc/init/illumio-ven.conf
ven_cron=/etc/cron.d/illumio-ven

sysv_dir() {
    for sd_dir in /etc/rc.d/init.d /etc/init.d; do
        if [ -d "$sd_dir" ]; then
            printf '%s\n' "$sd_dir"
            return 0
        fi
    done
    return 1
}
