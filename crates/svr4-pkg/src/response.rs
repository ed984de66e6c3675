//! The response file: what request would have asked.

use crate::params::parse_params;
use crate::rule::{Problem, Rule};

/// Parameters a response file may not change.
const READ_ONLY: [&str; 8] = ["PATH", "NAME", "PKG", "PKGINST", "VERSION", "ARCH", "INSTDATE", "CATEGORY"];

/// A parsed response file, taken apart as pkgadd does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What becomes environment of the scripts and part of the installed pkginfo, in order.
    pub accepted: Vec<(String, String)>,
    /// Names pkgadd silently ignores, because they do not start with a capital letter.
    pub ignored: Vec<String>,
    /// Names pkgadd refuses with a message, because they belong to the package.
    pub refused: Vec<String>,
}

impl Response {
    /// Reads a response file. The values are not judged: that is the work of checkinstall.
    ///
    /// # Errors
    /// Everything on which releases of pkgadd disagree, with its line.
    pub fn parse(text: &[u8]) -> Result<Response, Vec<Problem>> {
        let mut response = Response { accepted: Vec::new(), ignored: Vec::new(), refused: Vec::new() };
        for (key, value) in parse_params("response", text)? {
            if READ_ONLY.contains(&key.as_str()) {
                response.refused.push(key);
            } else if key.starts_with(|c: char| c.is_ascii_uppercase()) {
                response.accepted.push((key, value));
            } else {
                response.ignored.push(key);
            }
        }
        Ok(response)
    }

    /// What an author should not ship: names that pkgadd ignores or refuses.
    pub fn problems(&self) -> Vec<Problem> {
        let ignored = self.ignored.iter().map(|key| (key, "ignored by pkgadd"));
        let refused = self.refused.iter().map(|key| (key, "refused by pkgadd"));
        ignored
            .chain(refused)
            .map(|(key, fate)| Problem::new(Rule::ResponseKey, format!("response {key}"), fate))
            .collect()
    }
}
