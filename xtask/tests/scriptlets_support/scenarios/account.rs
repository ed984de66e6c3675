//! Users and groups.

use super::DATA;
use crate::scriptlets_support::{Sandbox, rpm};

pub fn custom_user(s: &Sandbox) {
    rpm::install(s, "/opt", &[("VEN_NONPRIV_USER", "alice"), ("VEN_NONPRIV_UID", "0")]).ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
    assert_eq!(s.owner(DATA), "0750 1000:1000");
    assert!(s.owner("/opt/illumio_ven").ends_with(" 0:1000"));
    rpm::erase(s, "/opt").ok();
    assert!(s.read("/etc/passwd").contains("alice"));
    rpm::install(s, "/opt", &[("VEN_NONPRIV_USER", "alice")]).ok();
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).refused(&["(of the installed agent)=alice: there is no such user"]);
}

pub fn numbers(s: &Sandbox) {
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "1234"), ("VEN_NONPRIV_GID", "2345")]).ok();
    assert!(s.read("/etc/passwd").contains("ilo-ven:x:1234:"));
    assert!(s.read("/etc/group").contains("ilo-ven:x:2345:"));
    let same = [("VEN_NONPRIV_UID", "1234"), ("VEN_NONPRIV_GID", "2345")];
    rpm::upgrade(s, "/opt", "/opt", &same).ok();
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_NONPRIV_UID", "77"), ("VEN_NONPRIV_GID", "78")]).refused(&[
        "VEN_NONPRIV_UID=77: the user ilo-ven exists with number 1234",
        "VEN_NONPRIV_GID=78: the group ilo-ven exists with number 2345",
    ]);
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nilo-ven:x:0:0::/:/bin/sh\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).refused(&["the agent must not run as root"]);
}

pub fn account_tools(s: &Sandbox) {
    for name in ["useradd", "groupadd", "userdel", "groupdel"] {
        s.remove_program(name);
    }
    let before = s.tree();
    rpm::install(s, "/opt", &[]).refused(&["neither groupadd nor addgroup is there", "VEN_NONPRIV_USER"]);
    assert_eq!(s.tree(), before);
    s.add_program("addgroup");
    rpm::install(s, "/opt", &[])
        .refused(&["neither useradd nor adduser is there", "the group ilo-ven stays"]);
    s.write("/etc/group", "root:x:0:\n");
    s.add_program("delgroup");
    rpm::install(s, "/opt", &[]).refused(&["neither useradd nor adduser is there"]);
    assert!(!s.read("/etc/group").contains("ilo-ven"), "the group is taken back");
    s.add_program("adduser");
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "500"), ("VEN_NONPRIV_GID", "501")]).ok();
    assert!(
        s.read("/etc/passwd").contains("ilo-ven:x:500:") && s.read("/etc/group").contains("ilo-ven:x:501:")
    );
    rpm::erase(s, "/opt").ok().says(&["the user ilo-ven stays"]);
    s.add_program("deluser");
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    rpm::install(s, "/opt", &[]).ok();
    s.make_fail("deluser");
    s.make_fail("delgroup");
    rpm::erase(s, "/opt")
        .ok()
        .says(&["could not be removed: deluser ilo-ven", "could not be removed: delgroup"]);
    s.let_work("deluser");
    s.let_work("delgroup");
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    s.write("/etc/group", "root:x:0:\n");
    s.path("/usr/sbin/nologin");
    s.add_program("nologin");
    rpm::install(s, "/opt", &[]).ok();
    assert!(s.calls().contains("-s /usr/sbin/nologin"), "{}", s.calls());
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
    s.make_fail("adduser");
    rpm::install(s, "/opt", &[]).refused(&["the account ilo-ven could not be made: nothing was installed"]);
    s.make_fail("addgroup");
    rpm::install(s, "/opt", &[]).refused(&["the account ilo-ven could not be made: nothing was installed"]);
}

pub fn no_getent(s: &Sandbox) {
    s.remove_program("getent");
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "1000")]).refused(&["is the number of the user alice"]);
    rpm::install(s, "/opt", &[("VEN_NONPRIV_GID", "1001")]).refused(&["is the number of the group other"]);
    rpm::install(s, "/opt", &[]).ok();
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven"));
}
