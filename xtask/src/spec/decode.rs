//! Reads TOML strictly: every key is asked for by name, every key that nobody asked for is a problem,
//! and reading goes on after a mistake so that all of them are reported together.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::problem::{Located, Location, Problems, Source, suggestion};

type Entry<'a> = (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>);

/// A table being read.
pub struct Table<'a> {
    source: Arc<Source>,
    span: std::ops::Range<usize>,
    entries: Vec<Entry<'a>>,
    asked: Vec<&'static str>,
    problems: &'a Problems,
    /// Whether the file has syntax errors: then a key that is not there may have been lost to them.
    recovered: bool,
}

/// Reads a whole file with `read`, recording its syntax errors and left-over keys.
pub fn document<T>(
    name: &Path,
    text: &str,
    problems: &Problems,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> T {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let (parsed, errors) = DeTable::parse_recoverable(text);
    let recovered = !errors.is_empty();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let at = Location { source: source.clone(), span };
        problems.add("toml/syntax", &at, error.message().to_owned(), "write valid TOML 1.0");
    }
    let mut table = Table {
        source,
        span: 0..0,
        entries: parsed.get_ref().iter().collect(),
        asked: Vec::new(),
        problems,
        recovered,
    };
    let value = read(&mut table);
    table.finish();
    value
}

impl<'a> Table<'a> {
    /// Where the table begins.
    pub fn at(&self) -> Location {
        Location { source: self.source.clone(), span: self.span.clone() }
    }

    /// The collector of this reading.
    pub fn problems(&self) -> &'a Problems {
        self.problems
    }

    fn location(&self, span: std::ops::Range<usize>) -> Location {
        Location { source: self.source.clone(), span }
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.entries.iter().find(|(k, _)| k.get_ref().as_ref() == key).map(|(_, v)| *v)
    }

    fn wrong_type<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> Option<T> {
        self.problems.add(
            "toml/type",
            &self.location(value.span()),
            format!("`{key}` is {} where {wanted} belongs", kind_of(value.get_ref())),
            format!("write {wanted}"),
        );
        None
    }

    fn missing(&self, key: &str, wanted: &str) {
        if self.recovered {
            return;
        }
        self.problems.add(
            "toml/missing-key",
            &self.at(),
            format!("`{key}` is missing"),
            format!("add `{key} = …` ({wanted})"),
        );
    }

    fn as_text(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Located<String>> {
        match value.get_ref() {
            DeValue::String(s) => {
                Some(Located { value: s.clone().into_owned(), at: self.location(value.span()) })
            }
            _ => self.wrong_type(key, value, "a string"),
        }
    }

    /// A string that may be absent.
    pub fn optional_text(&mut self, key: &'static str) -> Option<Located<String>> {
        let value = self.find(key)?;
        self.as_text(key, value)
    }

    /// A string that must be there.
    pub fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        match self.find(key) {
            Some(value) => self.as_text(key, value),
            None => {
                self.missing(key, "a string");
                None
            }
        }
    }

    /// A string that must be one of `choices`.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<Located<T>> {
        let text = self.text(key)?;
        self.chosen(key, &text, choices)
    }

    /// A string that may be absent and must otherwise be one of `choices`.
    pub fn optional_choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<Located<T>> {
        let text = self.optional_text(key)?;
        self.chosen(key, &text, choices)
    }

    fn chosen<T: Copy>(&self, key: &str, text: &Located<String>, choices: &[(&str, T)]) -> Option<Located<T>> {
        match choices.iter().find(|(name, _)| *name == text.as_str()) {
            Some((_, value)) => Some(Located { value: *value, at: text.at.clone() }),
            None => {
                let names = choices.iter().map(|(name, _)| *name);
                self.problems.add(
                    "toml/choice",
                    &text.at,
                    format!("`{key}` cannot be \"{}\"", text.value),
                    suggestion(text, names),
                );
                None
            }
        }
    }

    /// A whole number that must be there and lie in `range`.
    pub fn integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<Located<u64>> {
        let Some(value) = self.find(key) else {
            self.missing(key, "a whole number");
            return None;
        };
        self.as_integer(key, value, range)
    }

    /// A whole number that may be absent and must otherwise lie in `range`.
    pub fn optional_integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<Located<u64>> {
        let value = self.find(key)?;
        self.as_integer(key, value, range)
    }

    fn as_integer(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<Located<u64>> {
        let DeValue::Integer(number) = value.get_ref() else {
            return self.wrong_type(key, value, "a whole number");
        };
        let at = self.location(value.span());
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) if range.contains(&n) => Some(Located { value: n, at }),
            _ => {
                self.problems.add(
                    "toml/range",
                    &at,
                    format!("`{key}` is {}", number.as_str()),
                    format!("write a number from {} to {}", range.start(), range.end()),
                );
                None
            }
        }
    }

    /// A list of strings; an absent one is empty.
    pub fn optional_texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type::<()>(key, value, "a list of strings");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.as_text(key, item)).collect()
    }

    /// A list of strings that must be there and not be empty.
    pub fn texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        match self.find(key) {
            None => {
                self.missing(key, "a list of strings");
                Vec::new()
            }
            Some(value) => {
                if matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()) {
                    let at = self.location(value.span());
                    self.problems.add("toml/empty-list", &at, format!("`{key}` is empty"), "name at least one");
                }
                self.optional_texts(key)
            }
        }
    }

    /// A table that must be there.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table<'a>) -> T) -> Option<T> {
        match self.find(key) {
            Some(value) => self.open(key, value).map(|mut table| {
                let result = read(&mut table);
                table.finish();
                result
            }),
            None => {
                self.missing(key, "a table");
                None
            }
        }
    }

    /// A table that may be absent.
    pub fn optional_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'a>) -> T,
    ) -> Option<T> {
        if self.entries.iter().any(|(k, _)| k.get_ref().as_ref() == key) {
            self.table(key, read)
        } else {
            self.asked.push(key);
            None
        }
    }

    /// An array of tables (`[[key]]`); an absent one is empty.
    pub fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Table<'a>) -> T) -> Vec<T> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type::<()>(key, value, "an array of tables");
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in items {
            if let Some(mut table) = self.open(key, item) {
                all.push(read(&mut table));
                table.finish();
            }
        }
        all
    }

    fn open(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Table<'a>> {
        match value.get_ref() {
            DeValue::Table(inner) => Some(Table {
                source: self.source.clone(),
                span: value.span(),
                entries: inner.iter().collect(),
                asked: Vec::new(),
                problems: self.problems,
                recovered: self.recovered,
            }),
            _ => self.wrong_type(key, value, "a table"),
        }
    }

    /// Reports the keys that nobody asked for.
    fn finish(self) {
        for (key, _) in &self.entries {
            let name = key.get_ref().as_ref();
            if !self.asked.contains(&name) {
                self.problems.add(
                    "toml/unknown-key",
                    &self.location(key.span()),
                    format!("unknown key `{name}`"),
                    suggestion(name, self.asked.iter().copied()),
                );
            }
        }
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
