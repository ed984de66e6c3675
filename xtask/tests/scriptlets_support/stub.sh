#!/host/bin/dash
# Stands in for a program in the sandbox: records the call, fails on demand, else does the work.
name=${0##*/}
IFS= read -r count </trace/count
count=$((count + 1))
echo "$count" >/trace/count
echo "$name $*" >>/trace/calls
IFS= read -r fail_at </trace/fail_at
if [ "$count" = "$fail_at" ] || [ -e "/trace/fail/$name" ]; then
    echo "$name: made to fail" >&2
    exit 1
fi

# add FILE ID-OPTION TAIL ARGUMENTS...: an entry named by the last argument.
add() {
    file=$1 option=$2 tail=$3 id=900
    shift 3
    while [ $# -gt 1 ]; do
        [ "$1" != "$option" ] || id=$2
        shift
    done
    echo "$1:x:$id:$tail" >>"$file"
}

del() {
    /host/bin/grep -v "^$2:" "$1" >"$1.new"
    /host/bin/mv "$1.new" "$1"
}

data_dir() {
    /host/bin/sed -n 's/^VEN_DATA_DIR=//p' "$1"
}

settings=/etc/illumio_ven/install.env
case $name in
    groupadd | addgroup) add /etc/group -g "" "$@" ;;
    useradd) add /etc/passwd -u 900:Illumio:/:/bin/false "$@" ;;
    adduser) add /etc/passwd -u 900:Illumio:/:/bin/false "$@" ;;
    groupdel | delgroup) del /etc/group "$1" ;;
    userdel | deluser) del /etc/passwd "$1" ;;
    getent)
        while IFS=: read -r entry_name password id rest; do
            case $2 in
                "$entry_name" | "$id")
                    echo "$entry_name:$password:$id:$rest"
                    exit 0
                    ;;
            esac
        done <"/etc/$1"
        exit 2
        ;;
    initctl)
        if [ "$1" = version ]; then
            echo "init (upstart 1.12)"
        fi
        ;;
    systemctl | chkconfig | update-rc.d | insserv | sleep) ;;
    iptables-save | ip6tables-save | nft) /host/bin/cat "/trace/rules.$name" ;;
    modprobe) ;;
    id)
        if [ "$*" = -u ] && [ -e /trace/fail/not-root ]; then
            echo 1000
            exit 0
        fi
        exec /host/bin/id "$@"
        ;;
    nsenter)
        while [ "$1" != -- ]; do shift; done
        shift
        echo "nsenter: $*" >>/trace/calls
        exec "$@"
        ;;
    illumio-ven-ctl)
        if [ "$1" = --settings ]; then
            settings=$2
            shift 2
        fi
        if [ ! -f "$settings" ]; then
            echo "$settings: no such file" >&2
            exit 1
        fi
        runs=no
        if [ -e /trace/agent ] && [ "$(/host/bin/cat /trace/agent)" = "$(data_dir $settings)" ]; then
            runs=yes
        fi
        case $1,$runs in
            status,no)
                # Dead with its process id file, or stopped.
                [ ! -e /trace/fail/alive ] || exit 1
                exit 3
                ;;
            stop,yes)
                [ ! -e /trace/fail/stop ] || exit 1
                /host/bin/rm /trace/agent
                ;;
        esac
        ;;
    init_Platform)
        if [ $# = 1 ] && [ -e /trace/fail/init ]; then
            exit 1
        fi
        data_dir "$settings" >/trace/agent
        ;;
    *) exec "/host/bin/$name" "$@" ;;
esac
