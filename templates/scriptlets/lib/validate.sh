# --- validate: every variable, before anything changes ---
ven_problems=0

# problem VARIABLE VALUE RULE MEND: the value of a secret is never passed in.
problem() {
    ven_problems=$((ven_problems + 1))
    printf '%s\n' "{{ package }}: $1=$2: $3" "{{ package }}:   $4" >&2
}

is_number() { # VALUE: 1 to 2099999999, no leading zero (32-bit shells compare no more)
    case $1 in
        "" | 0* | *[!0-9]* | ???????????*) return 1 ;;
        1????????? | 20????????) return 0 ;;
        ??????????) return 1 ;;
    esac
}

is_port() {
    case $1 in
        ??????*) return 1 ;;
    esac
    is_number "$1" && [ "$1" -le 65535 ]
}

is_host() { # a host name, an IPv4 address or an IPv6 address in brackets
    case $1 in
        "[]") return 1 ;;
        \[*\])
            ih_inner=${1#?}
            case ${ih_inner%?} in *[!0-9A-Fa-f:.]*) return 1 ;; esac
            ;;
        "" | [.-]* | *- | *..* | *[!A-Za-z0-9.-]*) return 1 ;;
    esac
}

is_path() { # an absolute path of plain characters, without "." and ".." steps
    case $1/ in
        // | *[!A-Za-z0-9._/:@+-]* | */../* | */./* | *//*/) return 1 ;;
        /?*) return 0 ;;
    esac
    return 1
}

# is_hidden_place PATH: places that a scriptlet may see as empty private copies, or
# that do not outlive a boot.
is_hidden_place() {
    case $1/ in
        /tmp/* | /var/tmp/* | /home/* | /dev/* | /proc/* | /run/* | /sys/*) return 0 ;;
    esac
    return 1
}

is_principal() { # SERVICE/HOST with an optional @REALM
    case $1 in
        *[!A-Za-z0-9._/@-]* | */*/* | *@*@* | *@ | /*) return 1 ;;
        */*) ip_host=${1#*/} ;;
        *) return 1 ;;
    esac
    is_host "${ip_host%%@*}"
}

check_server() {
    [ -n "${VEN_MANAGEMENT_SERVER:-}" ] || return 0
    if is_host "${VEN_MANAGEMENT_SERVER%:*}" && is_port "${VEN_MANAGEMENT_SERVER##*:}"; then
        return 0
    fi
    problem VEN_MANAGEMENT_SERVER "$VEN_MANAGEMENT_SERVER" "not HOST:PORT" \
        "give the name and port of the PCE, for example pce.example.com:8443"
}

check_activation_code() {
    case ${VEN_ACTIVATION_CODE:-} in
        *[!A-Za-z0-9_-]*)
            problem VEN_ACTIVATION_CODE "(not shown)" "has characters that no activation code has" \
                "copy the code of the pairing profile again: letters, digits, - and _ only"
            ;;
    esac
}

check_install_action() {
    case ${VEN_INSTALL_ACTION:-} in
        "" | prepare) return 0 ;;
        activate) ;;
        *)
            problem VEN_INSTALL_ACTION "$VEN_INSTALL_ACTION" "is neither activate nor prepare" \
                "set it to activate or prepare, or unset it to install only"
            return 0
            ;;
    esac
    if [ -z "${VEN_MANAGEMENT_SERVER:-}" ]; then
        problem VEN_INSTALL_ACTION activate "needs VEN_MANAGEMENT_SERVER" \
            "set VEN_MANAGEMENT_SERVER=HOST:PORT too"
    fi
    # Kerberos and PKI authenticate without a code.
    if [ -z "${VEN_ACTIVATION_CODE:-}${VEN_KERBEROS_MANAGEMENT_SERVER_SPN:-}${VEN_PKI_CLIENT_CERT:-}" ]; then
        problem VEN_INSTALL_ACTION activate "needs an activation code" \
            "set VEN_ACTIVATION_CODE too (or the Kerberos or PKI variables)"
    fi
}

check_data_dir() {
    [ -n "${VEN_DATA_DIR:-}" ] || return 0
    if ! is_path "$VEN_DATA_DIR"; then
        problem VEN_DATA_DIR "$VEN_DATA_DIR" "not an absolute path of letters, digits and . _ / : @ + -" \
            "give the directory in which illumio_ven_data is to be made"
    elif is_hidden_place "$VEN_DATA_DIR"; then
        problem VEN_DATA_DIR "$VEN_DATA_DIR" "package scripts may see this place as a private empty copy, or it is lost at boot" \
            "choose a directory outside /tmp, /var/tmp, /home, /dev, /proc, /run and /sys"
    else
        check_data_dir_place
    fi
}

check_data_dir_place() {
    case $VEN_DATA_DIR/ in
        "$ven_prefix"/illumio_ven/*)
            problem VEN_DATA_DIR "$VEN_DATA_DIR" "lies inside the directory of the package" \
                "choose a directory that removing the package does not remove"
            return 0
            ;;
    esac
    for cd_dir in "$VEN_DATA_DIR" "$VEN_DATA_DIR/illumio_ven_data"; do
        if [ -h "$cd_dir" ]; then
            problem VEN_DATA_DIR "$VEN_DATA_DIR" "$cd_dir is a symbolic link" \
                "give the directory that the link leads to"
        elif [ -e "$cd_dir" ] && [ ! -d "$cd_dir" ]; then
            problem VEN_DATA_DIR "$VEN_DATA_DIR" "$cd_dir is not a directory" \
                "move it away, or choose another directory"
        fi
    done
}

check_kerberos() {
    if [ -n "${VEN_KERBEROS_WORKLOAD_SPN:-}" ]; then
        case $VEN_KERBEROS_WORKLOAD_SPN in
            host/*) cs_form=yes ;;
            *) cs_form=no ;;
        esac
        if [ "$cs_form" = no ] || ! is_principal "$VEN_KERBEROS_WORKLOAD_SPN"; then
            problem VEN_KERBEROS_WORKLOAD_SPN "$VEN_KERBEROS_WORKLOAD_SPN" "not host/FQDN or host/FQDN@REALM" \
                "give the host principal of the keytab file, for example host/web1.example.com@EXAMPLE.COM"
        fi
        if [ -z "${VEN_KERBEROS_MANAGEMENT_SERVER_SPN:-}" ]; then
            problem VEN_KERBEROS_WORKLOAD_SPN "$VEN_KERBEROS_WORKLOAD_SPN" "needs VEN_KERBEROS_MANAGEMENT_SERVER_SPN" \
                "set VEN_KERBEROS_MANAGEMENT_SERVER_SPN too, for example illumio-device-auth/pce.example.com"
        fi
    fi
    if [ -n "${VEN_KERBEROS_MANAGEMENT_SERVER_SPN:-}" ] && ! is_principal "$VEN_KERBEROS_MANAGEMENT_SERVER_SPN"; then
        problem VEN_KERBEROS_MANAGEMENT_SERVER_SPN "$VEN_KERBEROS_MANAGEMENT_SERVER_SPN" "not SERVICE/FQDN or SERVICE/FQDN@REALM" \
            "give the principal of the PCE, for example illumio-device-auth/pce.example.com"
    fi
    if [ -n "${VEN_KERBEROS_LIBRARY_PATH:-}" ]; then
        if ! is_path "$VEN_KERBEROS_LIBRARY_PATH" || [ ! -f "$VEN_KERBEROS_LIBRARY_PATH" ]; then
            problem VEN_KERBEROS_LIBRARY_PATH "$VEN_KERBEROS_LIBRARY_PATH" "not the absolute path of a file" \
                "give the path of libgssapi_krb5.so; where only libgssapi_krb5.so.2 is there, make a link to it"
        fi
    fi
}

check_proxy() {
    [ -n "${VEN_PROXY_SERVER:-}" ] || return 0
    cp_rest=${VEN_PROXY_SERVER#http://}
    case $cp_rest in
        *://*)
            problem VEN_PROXY_SERVER "(not shown)" "has a scheme other than http" \
                "only http is supported: [http://]SERVER[:PORT]"
            return 0
            ;;
        *]) ;;
        *:*)
            is_port "${cp_rest##*:}" || cp_rest=
            cp_rest=${cp_rest%:*}
            ;;
    esac
    # Not shown: people put user:password@ into proxy strings.
    is_host "$cp_rest" || problem VEN_PROXY_SERVER "(not shown)" "not [http://]SERVER[:PORT]" \
        "for example 172.24.88.114:3128 or http://proxy.example.com:3128; user and password are not supported"
}

check_pki() {
    case ${VEN_PKI_CLIENT_CERT:+cert}${VEN_PKI_CLIENT_KEY:+key} in
        "") return 0 ;;
        cert)
            problem VEN_PKI_CLIENT_CERT "$VEN_PKI_CLIENT_CERT" "needs VEN_PKI_CLIENT_KEY" "set both or none"
            ;;
        key)
            problem VEN_PKI_CLIENT_KEY "(not shown)" "needs VEN_PKI_CLIENT_CERT" "set both or none"
            ;;
    esac
    if [ -n "${VEN_PKI_CLIENT_CERT:-}" ]; then
        is_path "$VEN_PKI_CLIENT_CERT" && [ -f "$VEN_PKI_CLIENT_CERT" ] ||
            problem VEN_PKI_CLIENT_CERT "$VEN_PKI_CLIENT_CERT" "not the absolute path of a file" \
                "give the path of the client certificate, outside /tmp and /home"
    fi
    if [ -n "${VEN_PKI_CLIENT_KEY:-}" ]; then
        is_path "$VEN_PKI_CLIENT_KEY" && [ -f "$VEN_PKI_CLIENT_KEY" ] ||
            problem VEN_PKI_CLIENT_KEY "(not shown)" "not the absolute path of a file" \
                "give the path of the client's private key, outside /tmp and /home"
    fi
}

check_no_suspend() {
    case ${VEN_NO_SUSPEND:-} in
        "" | 0 | 1) ;;
        *)
            problem VEN_NO_SUSPEND "$VEN_NO_SUSPEND" "is neither 0 nor 1" \
                "set it to 1 to disable suspend, or to 0"
            ;;
    esac
}

check_runtime_env() {
    [ -n "${ILLUMIO_RUNTIME_ENV:-}" ] || return 0
    is_path "$ILLUMIO_RUNTIME_ENV" && [ -f "$ILLUMIO_RUNTIME_ENV" ] && ! is_hidden_place "$ILLUMIO_RUNTIME_ENV" ||
        problem ILLUMIO_RUNTIME_ENV "$ILLUMIO_RUNTIME_ENV" "not the absolute path of a file that package scripts can read" \
            "give the path of runtime_env.yml, outside /tmp, /var/tmp and /home"
}

{% if family == "rpm" %}
# check_prefix: a plain directory, no symbolic link.
check_prefix() {
    if ! is_path "$ven_prefix" || is_hidden_place "$ven_prefix"; then
        problem --prefix "$ven_prefix" "not an absolute path of letters, digits and . _ / : @ + -, outside /tmp and /home" \
            "choose another directory"
        return 0
    fi
    for cx_dir in "$ven_prefix" "$ven_prefix/illumio_ven"; do
        [ -h "$cx_dir" ] || continue
        problem --prefix "$ven_prefix" "$cx_dir is a symbolic link, which is not supported" \
            "give the directory itself: --prefix=DIRECTORY"
    done
}
{% else %}
# check_prefix: dpkg would follow a link that stands in the place of the package's directory.
check_prefix() {
    [ -h "$ven_prefix/illumio_ven" ] || return 0
    problem "$ven_prefix/illumio_ven" "(a link)" "is a symbolic link, which is not supported" \
        "remove the link, or put a directory in its place"
}
{% endif %}

check_variables() {
    check_server
    check_activation_code
    check_install_action
    check_data_dir
    check_kerberos
    check_proxy
    check_pki
    check_no_suspend
    check_runtime_env
    check_prefix
    check_account
}
