//! Which key signs, and where it lives.

use std::path::PathBuf;

use serde::Serialize;

use super::{Package, PackageDetails, Request, from_flag};
use crate::spec::{BackendKind, Problems, ProfileSpec, RpmProfile, Specs, problem::suggestion};

/// The signing profile of a run.
#[derive(Debug, Clone, Serialize)]
pub struct KeyPlan {
    /// Name of the profile.
    pub profile: String,
    /// Where its key lives.
    #[serde(flatten)]
    pub backend: Backend,
}

impl KeyPlan {
    /// Whether the release carries a key that nobody should trust.
    pub fn is_development(&self) -> bool {
        matches!(self.backend, Backend::Generated)
    }
}

/// Where a key lives.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "backend", rename_all = "lowercase")]
pub enum Backend {
    /// In the user's key directory, made on first use.
    Generated,
    /// In a file.
    File {
        secret_key: PathBuf,
        passphrase: Passphrase,
    },
    /// Behind a program.
    Command {
        /// Absolute, or relative to the project: a plan says nothing of where that stands.
        public_key: PathBuf,
        protocol: CommandProtocol,
        /// argv with `{in}` and `{out}`; never a shell line.
        command: Vec<String>,
    },
}

/// Where the passphrase of a key file comes from. Never from an argument: process lists show those.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Passphrase {
    None,
    Env(String),
    Fd(u16),
}

/// What a signing command reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CommandProtocol {
    /// `{in}`: the data; `{out}`: a detached OpenPGP V4 signature, binary or armored.
    #[serde(rename = "openpgp")]
    OpenPgp,
    /// `{in}`: 32 bytes, a SHA-256 digest; `{out}`: the RSA PKCS#1 v1.5 signature of it.
    #[serde(rename = "rsa-sha256-digest")]
    RsaSha256Digest,
}

pub(super) fn keys(specs: &Specs, request: &Request, problems: &Problems) -> Option<KeyPlan> {
    for (i, profile) in specs.profiles.iter().enumerate() {
        if specs.profiles[..i].iter().any(|p| p.name.value == profile.name.value) {
            let message = format!("a second profile \"{}\"", profile.name.value);
            problems.add("keys/duplicate", &profile.name.at, message, "give each profile its own name");
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if profile.name.is_empty() || !profile.name.bytes().all(plain) {
            let message = format!("\"{}\" cannot name a profile, and so a key file", profile.name.value);
            problems.add("keys/name", &profile.name.at, message, "use letters, digits, `-` and `_`");
        }
    }
    let mut plans: Vec<(String, Option<Backend>)> =
        specs.profiles.iter().map(|p| (p.name.value.clone(), backend(specs, p, problems))).collect();
    let wanted = request.keys.as_ref().map_or(specs.product.keys.clone(), |k| from_flag("--keys", k));
    match plans.iter_mut().find(|(name, _)| *name == wanted.value) {
        Some((name, found)) => Some(KeyPlan { profile: name.clone(), backend: found.take()? }),
        None => {
            let names: Vec<&str> = specs.profiles.iter().map(|p| p.name.as_str()).collect();
            problems.add(
                "keys/unknown-profile",
                &wanted.at,
                format!("signing/profiles.toml has no profile \"{}\"", wanted.value),
                format!(
                    "{}, or add to signing/profiles.toml:\n    [[profile]]\n    name = \"{}\"\n    backend = \"file\"\n    \
                     secret_key = \"/path/to/secret-key.asc\"\n    passphrase_env = \"VEN_KEY_PASSPHRASE\"\n(for an HSM or \
                     KMS see signing/README.md)",
                    suggestion(&wanted, names),
                    wanted.value
                ),
            );
            None
        }
    }
}

/// Packages for rpm 4.4 need V3 signatures, which no program with the protocol "openpgp" can make.
pub(super) fn check_versions(specs: &Specs, plan: &KeyPlan, packages: &[Package], problems: &Problems) {
    let Backend::Command { protocol: CommandProtocol::OpenPgp, .. } = plan.backend else { return };
    let el5 = |p: &&Package| matches!(p.details, PackageDetails::Rpm { profile: RpmProfile::El5, .. });
    let old: Vec<&str> = packages.iter().filter(el5).map(|p| p.id.as_str()).collect();
    let profile = specs.profiles.iter().find(|p| p.name.value == plan.profile);
    if let (Some(at), false) = (profile.and_then(|p| p.protocol.as_ref()).map(|t| &t.at), old.is_empty()) {
        problems.add(
            "keys/old-rpm",
            at,
            format!("{} need V3 signatures, which protocol \"openpgp\" cannot make", old.join(", ")),
            "use protocol = \"rsa-sha256-digest\", or leave these platforms out with --platform",
        );
    }
}

/// Whether `name` can be that of an environment variable; a passphrase that was pasted there seldom is.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn backend(specs: &Specs, p: &ProfileSpec, problems: &Problems) -> Option<Backend> {
    let needs = |rule_field: &str, hint: &str| {
        let message = format!("profile \"{}\" needs `{rule_field}`", p.name.value);
        problems.add("keys/missing-field", &p.at, message, hint);
    };
    let stray = |present: bool, field: &str| {
        if present {
            let message = format!("`{field}` means nothing for this backend");
            problems.add("keys/stray-field", &p.at, message, "remove it");
        }
    };
    match p.backend.value {
        BackendKind::Generated => {
            stray(p.secret_key.is_some(), "secret_key");
            stray(p.passphrase_env.is_some() || p.passphrase_fd.is_some(), "passphrase");
            stray(p.public_key.is_some(), "public_key");
            stray(p.protocol.is_some(), "protocol");
            stray(!p.command.is_empty(), "command");
            Some(Backend::Generated)
        }
        BackendKind::File => {
            stray(p.public_key.is_some(), "public_key");
            stray(p.protocol.is_some(), "protocol");
            stray(!p.command.is_empty(), "command");
            if let Some(name) = p.passphrase_env.as_ref().filter(|name| !is_variable(name)) {
                // The text is not repeated: it may be the passphrase.
                let message = "`passphrase_env` is not the name of a variable";
                let mend = "write a name such as VEN_KEY_PASSPHRASE; if this is the passphrase itself, replace the key";
                problems.add("keys/passphrase", &name.at, message, mend);
            }
            let passphrase = match (&p.passphrase_env, &p.passphrase_fd) {
                (Some(name), None) => Passphrase::Env(name.value.clone()),
                (None, Some(fd)) => Passphrase::Fd(fd.value as u16),
                (None, None) => Passphrase::None,
                (Some(_), Some(fd)) => {
                    problems.add("keys/passphrase", &fd.at, "the passphrase has two sources", "keep one of them");
                    return None;
                }
            };
            let Some(key) = &p.secret_key else {
                needs("secret_key", "name the file with the armored OpenPGP secret key");
                return None;
            };
            let path = specs.root.join(&key.value);
            if path.starts_with(&specs.root) {
                problems.add(
                    "keys/secret-in-project",
                    &key.at,
                    format!("the secret key {} would stand inside the project", key.value),
                    "write an absolute path outside of the project: what is in it is committed one day",
                );
            }
            Some(Backend::File { secret_key: path, passphrase })
        }
        BackendKind::Command => {
            stray(p.secret_key.is_some(), "secret_key");
            stray(p.passphrase_env.is_some() || p.passphrase_fd.is_some(), "passphrase");
            let protocol = match p.protocol.as_ref().map(|t| (t, t.as_str())) {
                Some((_, "openpgp")) => Some(CommandProtocol::OpenPgp),
                Some((_, "rsa-sha256-digest")) => Some(CommandProtocol::RsaSha256Digest),
                Some((text, other)) => {
                    let message = format!("there is no protocol \"{other}\"");
                    problems.add("keys/protocol", &text.at, message, suggestion(other, ["openpgp", "rsa-sha256-digest"]));
                    None
                }
                None => {
                    needs("protocol", "write \"openpgp\" or \"rsa-sha256-digest\"");
                    None
                }
            };
            if p.public_key.is_none() {
                needs("public_key", "name the file with the armored public key: every signature is verified with it");
            }
            for placeholder in ["{in}", "{out}"] {
                if !p.command.iter().any(|word| word.contains(placeholder)) {
                    let at = p.command.first().map_or(&p.at, |word| &word.at);
                    let message = format!("the signing command has no {placeholder}");
                    problems.add("keys/command", at, message, "write the argv as a list with {in} and {out}");
                }
            }
            if let Some(program) = p.command.first().filter(|w| w.is_empty() || w.contains(['{', ' '])) {
                let message = format!("\"{}\" is not a program", program.value);
                let mend = "write each word of the argv as a string of its own, the program first: no shell splits it";
                problems.add("keys/command", &program.at, message, mend);
            }
            Some(Backend::Command {
                public_key: PathBuf::from(&p.public_key.as_ref()?.value),
                protocol: protocol?,
                command: p.command.iter().map(|word| word.value.clone()).collect(),
            })
        }
    }
}
