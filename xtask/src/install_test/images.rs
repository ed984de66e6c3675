//! `ci/images.toml`: the roots and container images that packages are installed in.

use std::path::Path;

use crate::spec::decode::{self, Table};
use crate::spec::problem::suggestion;
use crate::spec::{Format, Location, Problem, Problems, Source};

/// `[[root]]`.
#[derive(Debug, Clone)]
pub struct RootSpec {
    pub name: String,
    /// As debootstrap names it.
    pub suite: String,
    pub formats: Vec<Format>,
    /// Whether systemd is installed.
    pub systemd: bool,
    /// Debian packages besides the minimal ones.
    pub include: Vec<String>,
}

/// `[[image]]`.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    pub name: String,
    pub image: String,
    pub format: Format,
    /// Globs over platform tags.
    pub tags: Vec<String>,
    /// Shell command that makes the image ready, with a network.
    pub setup: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Images {
    pub roots: Vec<RootSpec>,
    pub images: Vec<ImageSpec>,
}

/// Reads `ci/images.toml`.
///
/// # Errors
/// Every mistake in it.
pub fn load(root: &Path) -> Result<Images, Vec<Problem>> {
    let name = Path::new("ci/images.toml");
    let problems = Problems::default();
    let images = match std::fs::read_to_string(root.join(name)) {
        Ok(text) => parse(name, &text, &problems),
        Err(e) => {
            let source = Source { name: name.to_owned(), text: String::new() }.into();
            problems.add("images/read", &Location::start_of(&source), e.to_string(), "make it readable");
            Images::default()
        }
    };
    if problems.is_empty() { Ok(images) } else { Err(problems.into_sorted()) }
}

fn parse(name: &Path, text: &str, problems: &Problems) -> Images {
    decode::document(name, text, problems, |t| {
        let roots: Vec<Option<RootSpec>> = t.tables("root", root);
        let images: Vec<Option<ImageSpec>> = t.tables("image", image);
        let images = Images {
            roots: roots.into_iter().flatten().collect(),
            images: images.into_iter().flatten().collect(),
        };
        let mut names: Vec<&str> = images
            .roots
            .iter()
            .map(|r| &r.name[..])
            .chain(images.images.iter().map(|i| &i.name[..]))
            .collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            problems.add(
                "images/duplicate",
                &t.at(),
                format!("\"{}\" is there twice", pair[0]),
                "rename one",
            );
        }
        images
    })
}

fn root(t: &mut Table<'_>) -> Option<RootSpec> {
    let (name, suite) = (t.text("name"), t.text("suite"));
    let texts = t.texts("formats");
    let formats = texts.iter().filter_map(|text| {
        let found = Format::ALL.iter().find(|(name, _)| *name == text.as_str()).map(|(_, f)| *f);
        if found.is_none() {
            let mend = suggestion(text, Format::ALL.iter().map(|(name, _)| *name));
            t.problems().add("toml/choice", &text.at, format!("no format \"{}\"", text.value), mend);
        }
        found
    });
    let formats = formats.collect();
    let systemd = t.choice("init", &[("none", false), ("systemd", true)]);
    let include = t.texts("include").into_iter().map(|text| text.value).collect();
    Some(RootSpec { name: name?.value, suite: suite?.value, formats, systemd: systemd?.value, include })
}

fn image(t: &mut Table<'_>) -> Option<ImageSpec> {
    let (name, image) = (t.text("name"), t.text("image"));
    let format = t.choice("format", Format::ALL);
    let tags = t.texts("tags").into_iter().map(|text| text.value).collect();
    let setup = t.optional_text("setup").map(|text| text.value);
    Some(ImageSpec { name: name?.value, image: image?.value, format: format?.value, tags, setup })
}
