//! Strict parser of RPM header structures: index, store, region.
//!
//! Only the layout this crate's writer emits is accepted: one region over the whole header, tags strictly
//! ascending, values laid out in the order of their tags without gaps, overlaps or set padding bits.

use std::collections::BTreeMap;

use crate::error::ReadError;
use crate::tags::Type;

/// Magic, version 1, four reserved bytes.
const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
/// Magic, number of index entries, size of the store.
const INTRO: usize = 16;
/// Tag, type, offset, count: four 32 bit numbers.
const INDEX_ENTRY: usize = 16;

/// What rpm accepts.
pub(crate) struct HeaderLimits {
    pub(crate) index_entries: u64,
    pub(crate) data_bytes: u64,
}

/// rpm 4.4 to 4.11, `rpmReadSignature`.
pub(crate) const SIGNATURE_LIMITS: HeaderLimits = HeaderLimits { index_entries: 32, data_bytes: 8192 };
/// rpm 4.4 to 4.11, `hdrchkTags` and `hdrchkData`.
pub(crate) const MAIN_LIMITS: HeaderLimits = HeaderLimits { index_entries: 0xffff, data_bytes: 0x00ff_ffff };

/// Size of the store in an encoded header.
pub(crate) fn data_length(header: &[u8]) -> u64 {
    u32::from_be_bytes([header[12], header[13], header[14], header[15]]).into()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int16(Vec<u16>),
    Int32(Vec<u32>),
    String(String),
    Bin(Vec<u8>),
    /// String arrays and internationalised strings.
    Strings(Vec<String>),
}

/// A parsed header and how many bytes it took.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) part: &'static str,
    pub(crate) values: BTreeMap<u32, Value>,
    pub(crate) length: usize,
}

/// How one header is read.
pub(crate) struct Layout {
    pub(crate) part: &'static str,
    pub(crate) region: u32,
    pub(crate) limits: HeaderLimits,
    pub(crate) type_of: fn(u32) -> Option<Type>,
}

struct Index {
    tag: u32,
    kind: u32,
    offset: u32,
    count: u32,
}

impl Index {
    fn parse(bytes: &[u8]) -> Index {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Index { tag: word(0), kind: word(4), offset: word(8), count: word(12) }
    }
}

/// Parse the header at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8], layout: &Layout) -> Result<Header, ReadError> {
    let part = layout.part;
    let wrong = |offset: usize, rule: String| ReadError::Structure { part, offset, rule };
    let truncated = || ReadError::Truncated { part };
    let intro = bytes.get(..INTRO).ok_or_else(truncated)?;
    if let Some(at) = (0..MAGIC.len()).find(|&at| intro[at] != MAGIC[at]) {
        return Err(wrong(at, format!("magic byte is {:#04x}, must be {:#04x}", intro[at], MAGIC[at])));
    }
    let entries = u32::from_be_bytes([intro[8], intro[9], intro[10], intro[11]]);
    let data = u32::from_be_bytes([intro[12], intro[13], intro[14], intro[15]]);
    if entries == 0 || u64::from(entries) > layout.limits.index_entries {
        return Err(wrong(
            8,
            format!("{entries} index entries, must be 1 to {}", layout.limits.index_entries),
        ));
    }
    if u64::from(data) < INDEX_ENTRY as u64 || u64::from(data) > layout.limits.data_bytes {
        return Err(wrong(12, format!("store of {data} bytes, must be 16 to {}", layout.limits.data_bytes)));
    }
    // Both are bounded by the limits above, so nothing overflows.
    let (entries, data) = (entries as usize, data as usize);
    let store_at = INTRO + entries * INDEX_ENTRY;
    let length = store_at + data;
    let index = bytes.get(INTRO..store_at).ok_or_else(truncated)?;
    let store = bytes.get(store_at..length).ok_or_else(truncated)?;
    region(index, store, entries, layout).map_err(|(offset, rule)| wrong(offset, rule))?;

    let mut values = BTreeMap::new();
    let mut cursor = Store { store: &store[..data - INDEX_ENTRY], at: 0 };
    let mut last = None;
    for number in 1..entries {
        let at = INTRO + number * INDEX_ENTRY;
        let entry = Index::parse(&index[number * INDEX_ENTRY..]);
        if last.is_some_and(|last| last >= entry.tag) {
            return Err(wrong(at, format!("tag {} does not follow in ascending order", entry.tag)));
        }
        last = Some(entry.tag);
        let Some(kind) = (layout.type_of)(entry.tag) else {
            return Err(wrong(at, format!("tag {} is not one this format uses", entry.tag)));
        };
        if entry.kind != kind as u32 {
            return Err(wrong(
                at + 4,
                format!("tag {} has type {}, must be {kind:?}", entry.tag, entry.kind),
            ));
        }
        let value = cursor.value(kind, &entry).map_err(|rule| {
            let tag = entry.tag;
            ReadError::Tag { part, tag, rule }
        })?;
        values.insert(entry.tag, value);
    }
    if cursor.at != cursor.store.len() {
        return Err(wrong(store_at + cursor.at, "bytes of the store belong to no tag".into()));
    }
    Ok(Header { part, values, length })
}

/// The first index entry names the region, which ends with the store and spans the whole index.
fn region(index: &[u8], store: &[u8], entries: usize, layout: &Layout) -> Result<(), (usize, String)> {
    let first = Index::parse(index);
    let trailer_at = store.len() - INDEX_ENTRY;
    let expected = Index {
        tag: layout.region,
        kind: Type::Bin as u32,
        offset: trailer_at as u32,
        count: INDEX_ENTRY as u32,
    };
    same(&first, &expected).map_err(|rule| (INTRO, format!("region entry: {rule}")))?;
    let trailer = Index::parse(&store[trailer_at..]);
    let span = (entries * INDEX_ENTRY) as u32;
    let expected = Index { offset: span.wrapping_neg(), ..expected };
    let at = INTRO + index.len() + trailer_at;
    same(&trailer, &expected).map_err(|rule| (at, format!("region trailer: {rule}")))
}

fn same(found: &Index, expected: &Index) -> Result<(), String> {
    for (field, found, expected) in [
        ("tag", found.tag, expected.tag),
        ("type", found.kind, expected.kind),
        ("offset", found.offset, expected.offset),
        ("count", found.count, expected.count),
    ] {
        if found != expected {
            return Err(format!("{field} is {found}, must be {expected}"));
        }
    }
    Ok(())
}

struct Store<'a> {
    store: &'a [u8],
    at: usize,
}

impl<'a> Store<'a> {
    fn value(&mut self, kind: Type, entry: &Index) -> Result<Value, String> {
        let alignment = match kind {
            Type::Int16 => 2,
            Type::Int32 => 4,
            Type::String | Type::Bin | Type::StringArray | Type::I18nString => 1,
        };
        while !self.at.is_multiple_of(alignment) {
            if self.take(1)? != [0] {
                return Err("padding before the value is not zero".into());
            }
        }
        if entry.offset as usize != self.at {
            return Err(format!("value at offset {}, must be {}", entry.offset, self.at));
        }
        if entry.count == 0 {
            return Err("value without elements".into());
        }
        let count = entry.count as usize;
        Ok(match kind {
            Type::Int16 => {
                let bytes = self.take(count.saturating_mul(2))?;
                Value::Int16(bytes.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect())
            }
            Type::Int32 => {
                let bytes = self.take(count.saturating_mul(4))?;
                let word = |four: &[u8]| u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
                Value::Int32(bytes.chunks_exact(4).map(word).collect())
            }
            Type::Bin => Value::Bin(self.take(count)?.to_vec()),
            Type::String if count != 1 => return Err(format!("{count} strings where one must be")),
            Type::String => Value::String(self.string()?),
            // `HEADERI18NTABLE` has the one locale C, so a translated string has one form.
            Type::I18nString if count != 1 => return Err(format!("{count} translations where one must be")),
            Type::StringArray | Type::I18nString => {
                Value::Strings((0..count).map(|_| self.string()).collect::<Result<_, _>>()?)
            }
        })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.store.len());
        let Some(end) = end else { return Err("value goes beyond the store".into()) };
        let bytes = &self.store[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn string(&mut self) -> Result<String, String> {
        let rest = &self.store[self.at..];
        let length = rest.iter().position(|&byte| byte == 0).ok_or("string without an end")?;
        let text = std::str::from_utf8(&rest[..length]).map_err(|_| "string is not UTF-8")?;
        self.at += length + 1;
        Ok(text.to_owned())
    }
}

impl Header {
    fn wrong<T>(&self, tag: u32, rule: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::Tag { part: self.part, tag, rule: rule.into() })
    }

    pub(crate) fn error(&self, tag: u32, rule: impl Into<String>) -> ReadError {
        ReadError::Tag { part: self.part, tag, rule: rule.into() }
    }

    pub(crate) fn has(&self, tag: u32) -> bool {
        self.values.contains_key(&tag)
    }

    pub(crate) fn string(&self, tag: u32) -> Result<&str, ReadError> {
        self.optional_string(tag)?.map_or_else(|| self.wrong(tag, "is missing"), Ok)
    }

    pub(crate) fn optional_string(&self, tag: u32) -> Result<Option<&str>, ReadError> {
        match self.values.get(&tag) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Strings(list)) if list.len() == 1 => Ok(Some(&list[0])),
            Some(_) => self.wrong(tag, "is not one string"),
        }
    }

    /// A string which has only one right value.
    pub(crate) fn expect(&self, tag: u32, value: &str) -> Result<(), ReadError> {
        match self.string(tag)? {
            found if found == value => Ok(()),
            found => self.wrong(tag, format!("is {found:?}, must be {value:?}")),
        }
    }

    /// An array; an absent tag is an empty one, which rpm never stores.
    pub(crate) fn strings(&self, tag: u32) -> Result<&[String], ReadError> {
        match self.values.get(&tag) {
            None => Ok(&[]),
            Some(Value::Strings(list)) => Ok(list),
            Some(_) => self.wrong(tag, "is not an array of strings"),
        }
    }

    pub(crate) fn words(&self, tag: u32) -> Result<&[u32], ReadError> {
        match self.values.get(&tag) {
            None => Ok(&[]),
            Some(Value::Int32(list)) => Ok(list),
            Some(_) => self.wrong(tag, "is not an array of 32 bit numbers"),
        }
    }

    pub(crate) fn halves(&self, tag: u32) -> Result<&[u16], ReadError> {
        match self.values.get(&tag) {
            None => Ok(&[]),
            Some(Value::Int16(list)) => Ok(list),
            Some(_) => self.wrong(tag, "is not an array of 16 bit numbers"),
        }
    }

    pub(crate) fn word(&self, tag: u32) -> Result<u32, ReadError> {
        match self.words(tag)? {
            [word] => Ok(*word),
            list => self.wrong(tag, format!("has {} values, must have one", list.len())),
        }
    }

    pub(crate) fn optional_bytes(&self, tag: u32) -> Option<&[u8]> {
        match self.values.get(&tag) {
            Some(Value::Bin(bytes)) => Some(bytes),
            _ => None,
        }
    }
}
