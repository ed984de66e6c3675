//! The installed scripts.

use super::{DATA, SETTINGS};
use crate::scriptlets_support::{Sandbox, rpm};

const TIMEOUT: &str = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established";
const OLD_TIMEOUT: &str = "/proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_timeout_established";
const SAVED: &str = "/etc/illumio_ven/firewall.saved";

pub fn prepares(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    for name in ["modprobe", "iptables-save", "ip6tables-save", "nft"] {
        s.add_program(name);
    }
    s.write(TIMEOUT, "432000\n");
    s.write("trace/rules.iptables-save", "*filter\n-A INPUT -j ACCEPT\n");
    s.write("trace/rules.ip6tables-save", "*filter\nCOMMIT\n");
    s.write("trace/rules.nft", "table ip x {\n}\n");
    s.run_payload("init_Platform", &["prepare"])
        .ok()
        .says(&["_established = 28800", "saved the existing rules to"]);
    assert_eq!(s.read(TIMEOUT), "28800\n");
    for module in [
        "ip_tables",
        "iptable_filter",
        "nf_conntrack",
        "nf_conntrack_ipv4",
        "nf_conntrack_ftp",
        "ipt_LOG",
        "ip_set",
        "ip6_tables",
        "ip6table_filter",
        "nf_conntrack_ipv6",
        "ip6t_LOG",
    ] {
        assert!(s.calls().contains(&format!("modprobe -q {module}\n")), "{module}");
    }
    assert_eq!(s.owner(SAVED), "0700 0:0");
    assert_eq!(s.owner(&format!("{SAVED}/iptables.rules")), "0644 0:0");
    assert!(s.exists(&format!("{SAVED}/nftables.rules")));
    assert!(!s.exists(&format!("{SAVED}/ip6tables.rules")), "no rules, nothing to save");
    s.write("trace/rules.iptables-save", "-A VEN\n");
    s.run_payload("init_Platform", &["prepare"]).ok();
    assert!(
        s.read(&format!("{SAVED}/iptables.rules")).contains("-A INPUT"),
        "saved once, before the VEN's own rules"
    );
    rpm::erase(s, "/opt").ok();
    assert!(!s.exists(SAVED));
}

pub fn tolerates(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.run_payload("init_Platform", &["prepare"])
        .ok()
        .says(&["modprobe is not there", "no connection tracking in this kernel"]);
    s.add_program("modprobe");
    s.add_program("iptables-save");
    s.make_fail("modprobe");
    s.make_fail("iptables-save");
    std::fs::create_dir_all(s.path(TIMEOUT)).expect("a directory cannot be written to");
    s.run_payload("init_Platform", &["prepare"]).ok().says(&[
        "kernel modules not loaded (built in, renamed or a container): ip_tables iptable_filter",
        "cannot be written (a container?): it is left to the host",
        "iptables-save cannot list its rules (a container?): nothing saved",
    ]);
    s.remove(TIMEOUT);
    s.write(OLD_TIMEOUT, "1\n");
    s.remove(SAVED);
    s.write(SAVED, "in the way");
    s.run_payload("init_Platform", &["prepare"]).ok().says(&["existing firewall rules are not saved"]);
    assert_eq!(s.read(OLD_TIMEOUT), "28800\n");
}

pub fn controls(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    for words in [&["start"][..], &["start", "--direct"], &["stop"], &["restart"]] {
        s.forget_calls();
        s.run_payload("init_Platform", words).ok();
        assert!(s.calls().contains(&format!("illumio-ven-ctl {}\n", words.join(" "))), "{}", s.calls());
    }
    assert_eq!(s.run_payload("init_Platform", &["status"]).code, 3, "stopped");
    s.forget_calls();
    s.run_payload("init_Platform", &["check"]).ok();
    assert!(!s.calls().contains("illumio-ven-ctl start"), "stopped on purpose");
    s.make_fail("alive");
    s.run_payload("init_Platform", &["check"]).ok().says(&["the agent has died: starting it"]);
    assert!(s.calls().contains("illumio-ven-ctl start"));
    for words in [&[][..], &["nonsense"]] {
        assert_eq!(s.run_payload("init_Platform", words).says(&["usage: "]).code, 2);
    }
    s.remove(SETTINGS);
    s.run_payload("init_Platform", &["start"]).refused(&["install the package again"]);
    s.make_fail("not-root");
    s.run_payload("init_Platform", &["start"]).refused(&["only root can do this"]);
}

pub fn agent_status(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.run_payload("agent_status.sh", &[]).refused(&[
        "Pairing Status\n",
        "Pairing Configuration exists .....FAILURE\n",
        "VEN Manager Daemon running .....SUCCESS\n",
    ]);
    s.write(&format!("{DATA}/etc/agent_activation.cfg"), "masterconfig_server: p:1\n");
    s.run_payload("agent_status.sh", &[]).ok();
    s.stop_agent();
    s.run_payload("agent_status.sh", &[]).refused(&["VEN Manager Daemon running .....FAILURE"]);
    s.remove(SETTINGS);
    s.run_payload("agent_status.sh", &[]).refused(&["install the package again"]);
}
