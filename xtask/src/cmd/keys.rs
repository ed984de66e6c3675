//! `keys`: make, list and export signing keys.

use std::path::{Path, PathBuf};

use crate::cli::KeysCommand;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::plan::table::columns;
use crate::plan::{Backend, KeyPlan, Passphrase, Request, key_plan, profile_names};
use crate::signing::{self, Placed, TrustedKey, UnlockWith, armored_public};

pub fn run(context: &Context, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Generate { user_id, secret, public, bits, passphrase_env, passphrase_fd } => {
            let source = match (passphrase_env, passphrase_fd) {
                (Some(name), _) => Passphrase::Env(name),
                (_, Some(fd)) => Passphrase::Fd(fd),
                _ => Passphrase::None,
            };
            generate(&user_id, bits, &source, &secret, &public)
        }
        KeysCommand::List => list(context),
        KeysCommand::Export { keys, file } => export(context, keys, file),
    }
}

fn generate(user_id: &str, bits: u32, source: &Passphrase, secret: &Path, public: &Path) -> Result<(), Failure> {
    let exists = |file: &Path| {
        let what = format!("{} exists", file.display());
        Failure::new(Exit::Keys, what, "name a new file: no key is ever overwritten")
    };
    if let Some(file) = [secret, public].into_iter().find(|file| file.exists()) {
        return Err(exists(file));
    }
    let passphrase = match UnlockWith::from_plan(source)? {
        UnlockWith::Nothing => None,
        UnlockWith::Passphrase(passphrase) => Some(passphrase),
    };
    let key = signing::generate(user_id, bits, passphrase.as_ref()).map_err(signing::Error::from)?;
    if signing::write_secret(secret, &key)? == Placed::AlreadyThere {
        return Err(exists(secret));
    }
    signing::write_public(public, &key.to_public_key())?;
    let key = TrustedKey::new(key.to_public_key(), "new".to_owned(), false);
    println!("{}  {}", key.fingerprint(), key.user_id());
    println!("secret key: {} (keep it out of the project)\npublic key: {}", secret.display(), public.display());
    if passphrase.is_none() {
        println!("the secret key has no passphrase: whoever reads the file can sign");
    }
    Ok(())
}

fn export(context: &Context, keys: Option<String>, file: Option<PathBuf>) -> Result<(), Failure> {
    let plan = key_plan(&context.root, &Request { keys, now: context.now, ..Request::default() })?;
    let key = match &plan.backend {
        Backend::Generated => {
            let stored = context.keys.development_key(&plan.profile)?;
            TrustedKey::new(stored.public(), plan.profile.clone(), true)
        }
        _ => context
            .public_key(&plan)?
            .ok_or_else(|| Failure::new(Exit::Keys, "this profile has no public key", "see signing/README.md"))?,
    };
    match file {
        Some(path) => signing::write_public(&path, key.certificate())?,
        None => print!("{}", armored_public(key.certificate())?),
    }
    Ok(())
}

fn list(context: &Context) -> Result<(), Failure> {
    let mut rows = vec![["PROFILE", "BACKEND", "KEY", "STATE"].map(str::to_owned).to_vec()];
    for name in profile_names(&context.root)? {
        let request = Request { keys: Some(name.clone()), now: context.now, ..Request::default() };
        let plan = key_plan(&context.root, &request)?;
        let (key, state) = state(context, &plan);
        rows.push(vec![name, backend(&plan), key, state]);
    }
    print!("{}", columns(&rows));
    Ok(())
}

fn backend(plan: &KeyPlan) -> String {
    match &plan.backend {
        Backend::Generated => "generated (development)".to_owned(),
        Backend::File { secret_key, .. } => format!("file {}", secret_key.display()),
        Backend::Command { command, .. } => format!("command {}", command.first().map_or("", |w| w)),
    }
}

/// The fingerprint of a profile's key, and whether it can be used.
pub fn state(context: &Context, plan: &KeyPlan) -> (String, String) {
    match context.public_key(plan) {
        Ok(Some(key)) => {
            let state = key.require_usable().err().unwrap_or_else(|| "ready".to_owned());
            (key.fingerprint(), state)
        }
        Ok(None) => ("-".to_owned(), "made on first use".to_owned()),
        Err(failure) => ("-".to_owned(), crate::failure::to_text(&failure, false).trim().replace('\n', ";")),
    }
}
