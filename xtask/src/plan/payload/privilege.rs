//! Root runs what the package installs: the agent's own account must not be able to change it.

use crate::spec::{EntryKind, EntrySpec, Problems};

/// Every program and script, and every directory above one, belongs to root, and only root may write it.
pub(super) fn check(entries: &[EntrySpec], problems: &Problems) {
    let runs = |e: &&EntrySpec| e.kind.value == EntryKind::File && super::is_run(e);
    let run: Vec<&EntrySpec> = entries.iter().filter(runs).collect();
    for entry in entries {
        let above = |e: &&EntrySpec| {
            e.path.strip_prefix(entry.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        let what = match entry.kind.value {
            EntryKind::File if super::is_run(entry) => "it",
            EntryKind::Dir if run.iter().any(above) => "what lies in it",
            _ => continue,
        };
        let mend = "give it to root, with a mode such as 0750: what the agent writes belongs into the data directory";
        if entry.owner.as_str() != "root" {
            let message =
                format!("root runs {what}, and the account \"{}\" could replace it", entry.owner.value);
            problems.add("payload/privilege", &entry.owner.at, message, mend);
        }
        let writable = |text: &str| u32::from_str_radix(text, 8).is_ok_and(|mode| mode & 0o020 != 0);
        if let Some(mode) = entry.mode.as_ref().filter(|text| writable(text)) {
            let message =
                format!("root runs {what}, and the group \"{}\" could replace it", entry.group.value);
            problems.add("payload/privilege", &mode.at, message, mend);
        }
    }
}
