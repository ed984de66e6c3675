//! The `KEY=value` text that pkginfo and response files share.

use crate::rule::{Problem, Rule};

/// Reads `KEY=value` lines as every release of pkgadd does: `#` comments and empty lines are
/// skipped, blanks after a value are dropped, a value may stand whole in `'...'` or `"..."`.
///
/// # Errors
/// Everything on which releases disagree, each with its line: quotes inside quoted values, a
/// backslash at the end of a line, lines that are not `KEY=value`, keys given twice, a last line
/// without LF.
pub fn parse_params(file: &str, text: &[u8]) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut params: Vec<(String, String)> = Vec::new();
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(vec![Problem::new(Rule::ParameterLine, file, "not UTF-8")]);
    };
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(Problem::new(Rule::ParameterLine, file, "the last line has no LF"));
    }
    // Not str::lines(): pkgadd would keep a CR as part of the value.
    for (index, line) in text.split('\n').enumerate() {
        let place = format!("{file} line {}", index + 1);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            problems.push(Problem::new(Rule::ParameterLine, place, format!("no `=` in `{line}`")));
            continue;
        };
        match unquote(value) {
            Ok(value) => {
                if !is_key(key) {
                    problems.push(Problem::new(Rule::ParameterKey, place, format!("key `{key}`")));
                } else if params.iter().any(|(known, _)| known == key) {
                    problems.push(Problem::new(Rule::ParameterDuplicate, place, format!("`{key}` again")));
                } else {
                    params.push((key.to_owned(), value.to_owned()));
                }
            }
            Err(rule) => problems.push(Problem::new(rule, place, format!("value of `{key}`: `{value}`"))),
        }
    }
    if problems.is_empty() { Ok(params) } else { Err(problems) }
}

/// Renders `KEY=value` lines, unquoted, in the given order.
pub fn render_params<'a>(params: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in params {
        text.extend_from_slice(key.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Letters, digits and `_`, starting with a letter or `_`.
pub(crate) fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn unquote(value: &str) -> Result<&str, Rule> {
    let value = value.trim_end_matches([' ', '\t']);
    if value.chars().any(char::is_control) {
        return Err(Rule::ParameterValue);
    }
    if value.ends_with('\\') {
        return Err(Rule::ParameterQuote);
    }
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        return Ok(value);
    };
    match value[1..].strip_suffix(quote) {
        Some(inner) if !inner.contains(['\'', '"']) => Ok(inner),
        _ => Err(Rule::ParameterQuote),
    }
}
