//! The package managers' orders of scripts.

/// The order in which rpm runs the scripts (`--prefix` is PREFIX).
pub mod rpm {
    use xtask::scriptlets::ScriptName;

    use super::super::{Outcome, Sandbox};

    fn with_prefix<'a>(prefix: &'a str, environment: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [environment, &[("RPM_INSTALL_PREFIX", prefix)]].concat()
    }

    fn join(parts: Vec<Outcome>) -> Outcome {
        let code = parts.iter().map(|part| part.code).find(|code| *code != 0).unwrap_or(0);
        Outcome { code, output: parts.into_iter().map(|part| part.output).collect() }
    }

    /// `rpm -i --prefix=PREFIX`.
    pub fn install(s: &Sandbox, prefix: &str, environment: &[(&str, &str)]) -> Outcome {
        let environment = with_prefix(prefix, environment);
        let pre = s.run(ScriptName::Pre, &["1"], &environment);
        if pre.code != 0 {
            return pre;
        }
        s.unpack(prefix);
        let post = s.run(ScriptName::Post, &["1"], &environment);
        join(vec![pre, post, s.run(ScriptName::Posttrans, &["1"], &environment)])
    }

    /// `rpm -U --prefix=PREFIX` over an agent in OLD.
    pub fn upgrade(s: &Sandbox, old: &str, prefix: &str, environment: &[(&str, &str)]) -> Outcome {
        let environment = with_prefix(prefix, environment);
        let pre = s.run(ScriptName::Pre, &["2"], &environment);
        if pre.code != 0 {
            return pre;
        }
        s.unpack(prefix);
        let post = s.run(ScriptName::Post, &["2"], &environment);
        let of_old = with_prefix(old, &[]);
        let preun = s.run(ScriptName::Preun, &["1"], &of_old);
        if old != prefix {
            s.remove(&format!("{old}/illumio_ven"));
        }
        let postun = s.run(ScriptName::Postun, &["1"], &of_old);
        join(vec![pre, post, preun, postun, s.run(ScriptName::Posttrans, &["2"], &environment)])
    }

    /// `rpm -e`.
    pub fn erase(s: &Sandbox, prefix: &str) -> Outcome {
        let environment = with_prefix(prefix, &[]);
        let preun = s.run(ScriptName::Preun, &["0"], &environment);
        if preun.code != 0 {
            return preun;
        }
        if s.exists(&format!("{prefix}/illumio_ven")) {
            s.remove(&format!("{prefix}/illumio_ven"));
        }
        join(vec![preun, s.run(ScriptName::Postun, &["0"], &environment)])
    }
}

/// The order in which dpkg runs the scripts (Debian policy, chapter 6).
pub mod deb {
    use xtask::scriptlets::ScriptName;

    use super::super::{Outcome, Sandbox};

    const OLD: &str = "23.2.0-1";
    const NEW: &str = "23.5.10-1234";

    /// `dpkg -i` where nothing is installed; `removed` when configuration files are left.
    pub fn install(s: &Sandbox, removed: bool, environment: &[(&str, &str)]) -> Outcome {
        let arguments: &[&str] = if removed { &["install", OLD, NEW] } else { &["install"] };
        let preinst = s.run(ScriptName::Preinst, arguments, environment);
        if preinst.code != 0 {
            let abort: &[&str] = if removed { &["abort-install", OLD, NEW] } else { &["abort-install"] };
            let postrm = s.run(ScriptName::Postrm, abort, environment);
            assert_eq!(postrm.code, 0, "{}", postrm.output);
            return preinst;
        }
        s.unpack("/opt");
        s.run(ScriptName::Postinst, &["configure", if removed { OLD } else { "" }], environment)
    }

    /// `dpkg -i` over an installed agent.
    pub fn upgrade(s: &Sandbox, environment: &[(&str, &str)]) -> Outcome {
        s.run(ScriptName::Prerm, &["upgrade", NEW], environment).ok();
        let preinst = s.run(ScriptName::Preinst, &["upgrade", OLD, NEW], environment);
        if preinst.code != 0 {
            s.run(ScriptName::Postrm, &["abort-upgrade", OLD, NEW], environment).ok();
            s.run(ScriptName::Postinst, &["abort-upgrade", NEW], environment).ok();
            return preinst;
        }
        s.unpack("/opt");
        s.run(ScriptName::Postrm, &["upgrade", NEW], environment).ok();
        s.run(ScriptName::Postinst, &["configure", OLD], environment)
    }

    /// `dpkg -r`.
    pub fn remove(s: &Sandbox) -> Outcome {
        let prerm = s.run(ScriptName::Prerm, &["remove"], &[]);
        if prerm.code != 0 {
            s.run(ScriptName::Postinst, &["abort-remove"], &[]);
            return prerm;
        }
        if s.exists("/opt/illumio_ven") {
            s.remove("/opt/illumio_ven");
        }
        s.run(ScriptName::Postrm, &["remove"], &[])
    }

    /// `dpkg -P`.
    pub fn purge(s: &Sandbox) -> Outcome {
        let removed = remove(s);
        if removed.code != 0 {
            return removed;
        }
        s.run(ScriptName::Postrm, &["purge"], &[])
    }
}
