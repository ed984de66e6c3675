//! Activation and configuration files.

use super::{DATA, WANTS};
use crate::scriptlets_support::{Sandbox, deb, rpm};

const ACTIVATE: [(&str, &str); 3] = [
    ("VEN_INSTALL_ACTION", "activate"),
    ("VEN_MANAGEMENT_SERVER", "pce.example.com:8443"),
    ("VEN_ACTIVATION_CODE", "0123secret4567"),
];

pub fn activation(s: &Sandbox) {
    for format in ["rpm", "deb"] {
        let outcome = if format == "rpm" {
            rpm::install(s, "/opt", &ACTIVATE)
        } else {
            deb::install(s, false, &ACTIVATE)
        };
        let output = outcome.ok().output;
        let file = format!("{DATA}/etc/agent_activation.cfg");
        assert_eq!(
            s.read(&file),
            "activation_code: 0123secret4567\nmasterconfig_server: pce.example.com:8443\n"
        );
        assert_eq!(s.owner(&file), "0600 0:0");
        assert_eq!(s.owner(DATA), "0750 900:900", "{format}: activated");
        assert!(
            !output.contains("0123secret") && !s.calls().contains("0123secret"),
            "secret in output or arguments"
        );
        let holders = s.tree().into_iter().filter(|line| line.contains("0123secret")).count();
        assert_eq!(holders, 1, "only agent_activation.cfg has the code");
        // An activated agent is not activated again.
        let kept = s.read(&file);
        let upgraded =
            if format == "rpm" { rpm::upgrade(s, "/opt", "/opt", &[]) } else { deb::upgrade(s, &[]) };
        upgraded.ok();
        assert_eq!((s.read(&file), s.owner(DATA).as_str()), (kept, "0750 900:900"));
        if format == "rpm" {
            rpm::erase(s, "/opt").ok();
            s.remove(DATA);
        } else {
            deb::purge(s).ok();
        }
    }
    // Without a server there is nothing to record; with Kerberos there is no code.
    rpm::install(s, "/opt", &[("VEN_INSTALL_ACTION", "prepare")]).ok();
    assert!(!s.exists(&format!("{DATA}/etc/agent_activation.cfg")));
    let kerberos = [
        ACTIVATE[0],
        ACTIVATE[1],
        ("VEN_KERBEROS_MANAGEMENT_SERVER_SPN", "illumio-device-auth/pce.example.com"),
    ];
    rpm::upgrade(s, "/opt", "/opt", &kerberos).ok();
    assert_eq!(
        s.read(&format!("{DATA}/etc/agent_activation.cfg")),
        "masterconfig_server: pce.example.com:8443\n"
    );
}

pub fn prepare(s: &Sandbox) {
    let variables = [("VEN_INSTALL_ACTION", "prepare"), ACTIVATE[1], ACTIVATE[2]];
    rpm::install(s, "/opt", &variables).ok().says(&["prepared: the agent starts at the next boot"]);
    assert!(!s.agent_runs() && s.exists(WANTS));
    assert_eq!(s.owner(&format!("{DATA}/etc/agent_activation.cfg")), "0600 0:0");
    rpm::erase(s, "/opt").ok();
    s.remove(DATA);
    deb::install(s, false, &variables).ok().says(&["prepared"]);
    assert_eq!(s.owner(DATA), "0750 0:900", "not yet activated");
}

pub fn runtime_env(s: &Sandbox) {
    for (name, text) in
        [("/etc/pki/c.pem", "c"), ("/etc/pki/k.pem", "k"), ("/usr/lib64x/libgssapi_krb5.so", "l")]
    {
        s.write(name, text);
    }
    let variables = [
        ("VEN_KERBEROS_WORKLOAD_SPN", "host/web1.example.com@EXAMPLE.COM"),
        ("VEN_KERBEROS_MANAGEMENT_SERVER_SPN", "illumio-device-auth/pce.example.com"),
        ("VEN_KERBEROS_LIBRARY_PATH", "/usr/lib64x/libgssapi_krb5.so"),
        ("VEN_PKI_CLIENT_CERT", "/etc/pki/c.pem"),
        ("VEN_PKI_CLIENT_KEY", "/etc/pki/k.pem"),
        ("VEN_PROXY_SERVER", "http://proxy.example.com:3128"),
        ("VEN_NO_SUSPEND", "1"),
    ];
    let output = rpm::install(s, "/opt", &variables).ok().output;
    let file = format!("{DATA}/etc/runtime_env.yml");
    assert_eq!(
        s.read(&file),
        "kerberos_workload_spn: host/web1.example.com@EXAMPLE.COM\n\
         kerberos_management_server_spn: illumio-device-auth/pce.example.com\n\
         kerberos_library_path: /usr/lib64x/libgssapi_krb5.so\npki_client_cert: /etc/pki/c.pem\n\
         pki_client_key: /etc/pki/k.pem\nproxy_server: http://proxy.example.com:3128\nno_suspend: 1\n"
    );
    assert_eq!(s.owner(&file), "0640 0:900");
    assert!(!output.contains("k.pem") && !s.calls().contains("k.pem"), "the key's path is a secret");
    s.write(&file, "own: kept\nproxy_server: old:1\nno_suspend: 1");
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_PROXY_SERVER", "172.24.88.114:3128")]).ok();
    assert_eq!(s.read(&file), "own: kept\nno_suspend: 1\nproxy_server: 172.24.88.114:3128\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert_eq!(s.read(&file), "own: kept\nno_suspend: 1\nproxy_server: 172.24.88.114:3128\n");
}
