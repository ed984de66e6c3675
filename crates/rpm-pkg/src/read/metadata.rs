//! The descriptive part of the main header, turned back into a spec.

use crate::dependencies::{self, HeaderDependency};
use crate::draft::compression_tags;
use crate::error::ReadError;
use crate::header::Header;
use crate::spec::{
    ChangelogEntry, Compression, Dependencies, Dependency, Interpreter, Profile, Scriptlet, Scriptlets, Spec,
};
use crate::tags;
use crate::validate::content_size;

/// Dependency arrays as stored, with what the writer added.
pub(crate) struct RawDependencies {
    pub(crate) requires: Vec<HeaderDependency>,
    pub(crate) provides: Vec<HeaderDependency>,
    conflicts: Vec<HeaderDependency>,
    obsoletes: Vec<HeaderDependency>,
    recommends: Vec<HeaderDependency>,
}

/// Everything but the entries and the dependencies, for which [`dependencies`] needs the entries.
pub(crate) fn spec(header: &Header) -> Result<(Spec, RawDependencies), ReadError> {
    header.expect(tags::OS, "linux")?;
    header.expect(tags::ENCODING, "utf-8")?;
    header.expect(tags::PAYLOAD_FORMAT, "cpio")?;
    header.expect(tags::SOURCE_RPM, "(none)")?;
    header.expect(tags::I18N_TABLE, "C")?;
    if header.word(tags::PAYLOAD_SHA256_ALGO)? != tags::SHA256 {
        return Err(header.error(tags::PAYLOAD_SHA256_ALGO, "is not 8 (SHA-256)"));
    }
    let profile = if header.has(tags::FILE_DIGEST_ALGO) {
        if header.word(tags::FILE_DIGEST_ALGO)? != tags::SHA256 {
            return Err(header.error(tags::FILE_DIGEST_ALGO, "is not 8 (SHA-256)"));
        }
        Profile::El6
    } else {
        Profile::El5
    };
    let raw = raw_dependencies(header)?;
    let owned = |tag| header.string(tag).map(str::to_owned);
    let optional = |tag| header.optional_string(tag).map(|text| text.map(str::to_owned));
    let arch = header.string(tags::ARCH)?;
    let spec = Spec {
        name: owned(tags::NAME)?,
        version: owned(tags::VERSION)?,
        release: owned(tags::RELEASE)?,
        epoch: header.has(tags::EPOCH).then(|| header.word(tags::EPOCH)).transpose()?,
        arch: arch.parse().map_err(|rule: String| header.error(tags::ARCH, rule))?,
        summary: owned(tags::SUMMARY)?,
        description: owned(tags::DESCRIPTION)?,
        license: owned(tags::LICENSE)?,
        group: owned(tags::GROUP)?,
        vendor: optional(tags::VENDOR)?,
        packager: optional(tags::PACKAGER)?,
        url: optional(tags::URL)?,
        build_host: owned(tags::BUILD_HOST)?,
        rpm_version: owned(tags::RPM_VERSION)?,
        source_date: header.word(tags::BUILD_TIME)?,
        profile,
        compression: compression(header)?,
        prefixes: header.strings(tags::PREFIXES)?.to_vec(),
        dependencies: Dependencies::default(),
        scriptlets: scriptlets(header)?,
        changelog: changelog(header)?,
        entries: Vec::new(),
    };
    Ok((spec, raw))
}

fn compression(header: &Header) -> Result<Compression, ReadError> {
    let flags = header.string(tags::PAYLOAD_FLAGS)?;
    let level = || {
        let level: u8 = flags.parse().map_err(|_| header.error(tags::PAYLOAD_FLAGS, "is not a level"))?;
        Ok::<_, ReadError>(level)
    };
    let compression = match header.optional_string(tags::PAYLOAD_COMPRESSOR)? {
        None => Compression::None,
        Some("gzip") => Compression::Gzip { level: level()? },
        Some("xz") => Compression::Xz { level: level()? },
        Some(other) => {
            return Err(header.error(tags::PAYLOAD_COMPRESSOR, format!("{other:?} is not gzip or xz")));
        }
    };
    // A level has one spelling.
    header.expect(tags::PAYLOAD_FLAGS, &compression_tags(compression).1)?;
    Ok(compression)
}

fn scriptlets(header: &Header) -> Result<Scriptlets, ReadError> {
    let scriptlet = |body, program| {
        let interpreter = match header.optional_string(program)? {
            None if header.has(body) => return Err(header.error(program, "is missing")),
            None => return Ok(None),
            Some("<lua>") => Interpreter::BuiltinLua,
            Some(path) => Interpreter::Program(path.to_owned()),
        };
        Ok(Some(Scriptlet { interpreter, body: header.string(body)?.to_owned() }))
    };
    Ok(Scriptlets {
        pre: scriptlet(tags::PRE, tags::PRE_PROG)?,
        post: scriptlet(tags::POST, tags::POST_PROG)?,
        preun: scriptlet(tags::PREUN, tags::PREUN_PROG)?,
        postun: scriptlet(tags::POSTUN, tags::POSTUN_PROG)?,
        pretrans: scriptlet(tags::PRETRANS, tags::PRETRANS_PROG)?,
        posttrans: scriptlet(tags::POSTTRANS, tags::POSTTRANS_PROG)?,
    })
}

fn changelog(header: &Header) -> Result<Vec<ChangelogEntry>, ReadError> {
    let times = header.words(tags::CHANGELOG_TIME)?;
    let authors = header.strings(tags::CHANGELOG_NAME)?;
    let texts = header.strings(tags::CHANGELOG_TEXT)?;
    if times.len() != authors.len() || times.len() != texts.len() {
        return Err(header.error(tags::CHANGELOG_TIME, "times, authors and texts differ in number"));
    }
    let entries = times.iter().zip(authors).zip(texts);
    Ok(entries
        .map(|((&time, author), text)| ChangelogEntry { time, author: author.clone(), text: text.clone() })
        .collect())
}

fn raw_dependencies(header: &Header) -> Result<RawDependencies, ReadError> {
    let list = |names: u32, versions, flags| {
        let (all_names, versions, flags) =
            (header.strings(names)?, header.strings(versions)?, header.words(flags)?);
        if all_names.len() != versions.len() || all_names.len() != flags.len() {
            return Err(header.error(names, "names, versions and flags differ in number"));
        }
        let items = all_names.iter().zip(versions).zip(flags);
        Ok(items
            .map(|((name, version), &flags)| HeaderDependency {
                name: name.clone(),
                version: version.clone(),
                flags,
            })
            .collect())
    };
    Ok(RawDependencies {
        requires: list(tags::REQUIRE_NAME, tags::REQUIRE_VERSION, tags::REQUIRE_FLAGS)?,
        provides: list(tags::PROVIDE_NAME, tags::PROVIDE_VERSION, tags::PROVIDE_FLAGS)?,
        conflicts: list(tags::CONFLICT_NAME, tags::CONFLICT_VERSION, tags::CONFLICT_FLAGS)?,
        obsoletes: list(tags::OBSOLETE_NAME, tags::OBSOLETE_VERSION, tags::OBSOLETE_FLAGS)?,
        recommends: list(tags::RECOMMEND_NAME, tags::RECOMMEND_VERSION, tags::RECOMMEND_FLAGS)?,
    })
}

/// Fill in the dependencies: the stored arrays without what the writer adds. What the writer would
/// derive from the result must be what is stored.
pub(crate) fn dependencies(header: &Header, spec: &mut Spec, raw: &RawDependencies) -> Result<(), ReadError> {
    let plain = |tag, list: &[HeaderDependency]| -> Result<Vec<Dependency>, ReadError> {
        list.iter().map(|item| requirement(header, tag, item).map(|(dependency, _)| dependency)).collect()
    };
    let without = |list: &[HeaderDependency], automatic: Vec<HeaderDependency>| -> Vec<HeaderDependency> {
        list.iter().filter(|item| !automatic.contains(item)).cloned().collect()
    };
    let mut found = Dependencies {
        provides: plain(
            tags::PROVIDE_FLAGS,
            &without(&raw.provides, dependencies::automatic_provides(spec)),
        )?,
        conflicts: plain(tags::CONFLICT_FLAGS, &raw.conflicts)?,
        obsoletes: plain(tags::OBSOLETE_FLAGS, &raw.obsoletes)?,
        recommends: plain(tags::RECOMMEND_FLAGS, &raw.recommends)?,
        ..Dependencies::default()
    };
    for item in without(&raw.requires, dependencies::automatic_requires(spec)) {
        let (dependency, pre) = requirement(header, tags::REQUIRE_FLAGS, &item)?;
        if pre { found.requires_pre.push(dependency) } else { found.requires.push(dependency) }
    }
    spec.dependencies = found;
    let all = &spec.dependencies;
    for (tag, stored, derived) in [
        (tags::REQUIRE_NAME, &raw.requires, dependencies::requires(spec)),
        (tags::PROVIDE_NAME, &raw.provides, dependencies::provides(spec)),
        (tags::CONFLICT_NAME, &raw.conflicts, dependencies::plain(&all.conflicts)),
        (tags::OBSOLETE_NAME, &raw.obsoletes, dependencies::plain(&all.obsoletes)),
        (tags::RECOMMEND_NAME, &raw.recommends, dependencies::plain(&all.recommends)),
    ] {
        if *stored != derived {
            return Err(header.error(tag, "the list is not complete, sorted and free of duplicates"));
        }
    }
    Ok(())
}

fn requirement(header: &Header, tag: u32, item: &HeaderDependency) -> Result<(Dependency, bool), ReadError> {
    item.to_spec().ok_or_else(|| {
        header.error(tag, format!("{:?} has flags {:#x}, which mean nothing here", item.name, item.flags))
    })
}

/// `RPMTAG_SIZE` is the sum of all sizes.
pub(crate) fn check_size(header: &Header, spec: &Spec) -> Result<(), ReadError> {
    let sum: u64 = spec.entries.iter().map(|entry| content_size(&entry.kind)).sum();
    if u64::from(header.word(tags::SIZE)?) == sum {
        return Ok(());
    }
    Err(header.error(tags::SIZE, format!("is not {sum}, the sum of all file sizes")))
}
