//! The release directory: packages, bundles, `release.json`, and the signed list of digests.

pub mod bundle;
pub mod place;
pub mod records;

pub use place::{PlaceError, Staging};

/// The list of digests, and its signature.
pub const SUMS: &str = "SHA256SUMS";
pub const SUMS_SIGNATURE: &str = "SHA256SUMS.asc";
/// What the release says of itself.
pub const RELEASE: &str = "release.json";

/// The text of `SHA256SUMS`: as `sha256sum -c` reads it, sorted by path.
pub fn sums(files: &[records::FileRecord]) -> String {
    let mut lines: Vec<String> = files.iter().map(|f| format!("{}  {}\n", f.sha256, f.path)).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}

/// Reads a `SHA256SUMS`, refusing every form but the one [`sums`] gives.
pub fn parse_sums(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bad = |why: &str| Err(format!("line {}: {why}", number + 1));
        let Some(line) = line.strip_suffix('\n') else { return bad("the last line has no end") };
        let Some((sha256, path)) = line.split_once("  ") else { return bad("not `digest  path`") };
        let hexadecimal = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let safe = path.split('/').all(|p| !matches!(p, "" | "." | "..")) && path.bytes().all(|b| b.is_ascii_graphic());
        if !hexadecimal || !safe {
            return bad("not a digest and a relative path");
        }
        if all.last().is_some_and(|(previous, _)| previous.as_str() >= path) {
            return bad("out of order");
        }
        all.push((path.to_owned(), sha256.to_owned()));
    }
    Ok(all)
}
