//! A mistake in the specs: where it is, which rule it breaks, and how to mend it.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource};

/// One spec file: its name as shown in messages, and its text.
#[derive(Debug)]
pub struct Source {
    /// Path relative to the root of the project.
    pub name: PathBuf,
    /// The whole text.
    pub text: String,
}

/// A place in a spec file.
#[derive(Debug, Clone)]
pub struct Location {
    /// The file.
    pub source: Arc<Source>,
    /// Byte range in the file's text.
    pub span: Range<usize>,
}

impl Location {
    /// The first byte of a file: for problems of the file as a whole.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Location { source: source.clone(), span: 0..0 }
    }

    /// Line and column, both from 1; the column counts characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        // Parsers report byte places; one inside of a character counts as its beginning.
        let mut end = self.span.start.min(self.source.text.len());
        while !self.source.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.source.text[..end];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "{}:{line}:{column}", self.source.name.display())
    }
}

/// A value together with the place it was written at.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Location,
}

impl<T> std::ops::Deref for Located<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A broken rule.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{at}: [{rule}] {message}")]
pub struct Problem {
    /// Stable name of the rule, e.g. `platform/unknown-target`.
    pub rule: &'static str,
    /// Where.
    pub at: Location,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.rule))
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.mend))
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.at.span.clone()))))
    }
}

impl Problem {
    /// The problem as one line that editors and `grep` understand, and its mend on a second.
    pub fn plain(&self) -> String {
        format!("{self}\n    mend: {}", self.mend)
    }

    /// The problem with its source text, for a graphical report.
    pub fn with_source(&self) -> miette::Report {
        let source = NamedSource::new(self.at.source.name.to_string_lossy(), self.at.source.text.clone());
        miette::Report::new(self.clone()).with_source_code(source)
    }
}

/// Collects problems while specs are read and checked, so that a run reports all of them at once.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Records a problem.
    pub fn add(&self, rule: &'static str, at: &Location, message: impl Into<String>, mend: impl Into<String>) {
        self.0.borrow_mut().push(Problem { rule, at: at.clone(), message: message.into(), mend: mend.into() });
    }

    /// Whether something was recorded at exactly this place.
    pub fn any_at(&self, at: &Location) -> bool {
        let all = self.0.borrow();
        all.iter().any(|p| p.at.source.name == at.source.name && p.at.span == at.span)
    }

    /// All problems, ordered by file and place.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut all = self.0.into_inner();
        all.sort_by(|a, b| {
            (&a.at.source.name, a.at.span.start, a.rule).cmp(&(&b.at.source.name, b.at.span.start, b.rule))
        });
        all
    }

    /// How many were recorded.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

/// `did you mean "x"?`, or the list of what is possible.
pub fn suggestion<'a>(given: &str, possible: impl IntoIterator<Item = &'a str>) -> String {
    let possible: Vec<&str> = possible.into_iter().collect();
    let nearest = possible
        .iter()
        .map(|p| (strsim::damerau_levenshtein(given, p), *p))
        .filter(|(distance, p)| *distance <= 1 + p.len().max(given.len()) / 4)
        .min();
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if possible.is_empty() => "nothing is possible here".to_owned(),
        None => format!("possible: {}", possible.join(", ")),
    }
}
