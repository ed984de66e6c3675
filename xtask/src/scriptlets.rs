//! Renders the scriptlets and the templated payload files.
//!
//! `templates/scriptlets/<family>/<script>.sh` composes functions of `templates/scriptlets/lib/`. Undefined
//! variables are errors; [`check`] finds every such mistake without building anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};

/// The package formats that share one set of scriptlets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// RPM packages.
    Rpm,
    /// Debian and Ubuntu packages.
    Deb,
}

impl Family {
    /// Every family that has scriptlets.
    pub const ALL: [Family; 2] = [Family::Rpm, Family::Deb];

    /// Name in template paths and of the template variable `family`.
    pub fn name(self) -> &'static str {
        match self {
            Family::Rpm => "rpm",
            Family::Deb => "deb",
        }
    }

    /// The scripts that a package of this family carries, in the order in which they run at an installation
    /// and then a removal.
    pub fn scripts(self) -> &'static [ScriptName] {
        match self {
            Family::Rpm => &[
                ScriptName::Pre,
                ScriptName::Post,
                ScriptName::Posttrans,
                ScriptName::Preun,
                ScriptName::Postun,
            ],
            Family::Deb => {
                &[ScriptName::Preinst, ScriptName::Postinst, ScriptName::Prerm, ScriptName::Postrm]
            }
        }
    }
}

/// A scriptlet, by the name that its format gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScriptName {
    /// RPM `%pre`.
    Pre,
    /// RPM `%post`.
    Post,
    /// RPM `%preun`.
    Preun,
    /// RPM `%postun`.
    Postun,
    /// RPM `%posttrans`.
    Posttrans,
    /// deb `preinst`.
    Preinst,
    /// deb `postinst`.
    Postinst,
    /// deb `prerm`.
    Prerm,
    /// deb `postrm`.
    Postrm,
}

impl ScriptName {
    /// The name without a percent sign; for deb it is the member name in the control archive.
    pub fn as_str(self) -> &'static str {
        match self {
            ScriptName::Pre => "pre",
            ScriptName::Post => "post",
            ScriptName::Preun => "preun",
            ScriptName::Postun => "postun",
            ScriptName::Posttrans => "posttrans",
            ScriptName::Preinst => "preinst",
            ScriptName::Postinst => "postinst",
            ScriptName::Prerm => "prerm",
            ScriptName::Postrm => "postrm",
        }
    }
}

impl fmt::Display for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The values that templates may use. Payload templates get [`Context::payload_variables`] only, so that
/// packages of one release share their payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Package name, `illumio-ven`.
    pub package: String,
    /// Release id `<version>-<build>`, `23.5.10-1234`.
    pub release_id: String,
    /// File name of the package, for messages that name the command to run.
    pub package_file: String,
    /// Default prefix, `/opt`: also the default parent of the data directory.
    pub default_prefix: String,
    /// User that the installation creates unless another is named.
    pub default_user: String,
    /// Its group; the group of the packaged files.
    pub default_group: String,
}

impl Context {
    /// Variables of payload templates: the same for every package of a release.
    pub fn payload_variables(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([
            ("package", self.package.as_str()),
            ("release_id", &self.release_id),
            ("default_prefix", &self.default_prefix),
            ("default_user", &self.default_user),
            ("default_group", &self.default_group),
        ])
    }

    /// Variables of scriptlets: the payload's, `family` and `package_file`.
    pub fn scriptlet_variables(&self, family: Family) -> BTreeMap<&'static str, &str> {
        let mut variables = self.payload_variables();
        variables.insert("family", family.name());
        variables.insert("package_file", &self.package_file);
        variables
    }

    /// Values go into shell scripts unquoted: only plain characters are let in.
    fn validate(&self, problems: &mut Vec<Error>) {
        let fields = [
            ("package", &self.package, ""),
            ("release_id", &self.release_id, ""),
            ("package_file", &self.package_file, ""),
            ("default_prefix", &self.default_prefix, "/"),
            ("default_user", &self.default_user, ""),
            ("default_group", &self.default_group, ""),
        ];
        for (name, value, also) in fields {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c) || also.contains(c);
            if value.is_empty() || value.starts_with('-') || !value.chars().all(plain) {
                problems.push(Error::Value { name, value: value.clone() });
            }
        }
        if !self.default_prefix.starts_with('/') || self.default_prefix.ends_with('/') {
            problems.push(Error::Value { name: "default_prefix", value: self.default_prefix.clone() });
        }
    }
}

/// What can be wrong with templates and their values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template or the templates' directory cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that must be there is not.
    #[error(
        "{}: there is no such template; a {family} package needs the script {script}", path.display()
    )]
    MissingScript {
        /// Where it was looked for.
        path: PathBuf,
        /// The family that needs it.
        family: &'static str,
        /// The script.
        script: ScriptName,
    },
    /// A payload entry names a template that is not there.
    #[error("{}: there is no such template{}", path.display(), near.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    MissingTemplate {
        /// Where it was looked for.
        path: PathBuf,
        /// The template with the most similar name.
        near: Option<String>,
    },
    /// A variable that nothing defines.
    #[error("{}:{line}: the template variable {variable:?} is not defined; defined are: {defined}", path.display())]
    UndefinedVariable {
        /// The template that uses it.
        path: PathBuf,
        /// Line of its first use, from 1.
        line: usize,
        /// The variable.
        variable: String,
        /// The variables that may be used there.
        defined: String,
    },
    /// A mistake of syntax, or an include that is not there.
    #[error("{}:{line}: {what}", path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The template engine's message.
        what: String,
    },
    /// A value that must not go into a script.
    #[error("template variable {name}: {value:?} has characters that have a meaning in a shell")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
}

/// The scripts of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Complete texts, each ending in a newline. Those of deb start with `#!/bin/sh`; those of RPM are run by
    /// the interpreter in the header, `/bin/sh`.
    pub scripts: BTreeMap<ScriptName, String>,
}

/// Renders every script of a family.
///
/// # Errors
/// The first of what [`check`] would report.
pub fn render(templates_dir: &Path, family: Family, context: &Context) -> Result<Rendered, Error> {
    let sources = Sources::read(templates_dir)?;
    if let Some(error) = sources.check_family(family, context).into_iter().next() {
        return Err(error);
    }
    let variables = context.scriptlet_variables(family);
    let mut scripts = BTreeMap::new();
    for &script in family.scripts() {
        let name = script_template(family, script);
        scripts.insert(script, sources.render(&name, &variables)?);
    }
    Ok(Rendered { scripts })
}

/// Renders one payload template, `payload/init_Platform`.
///
/// # Errors
/// A missing template, an undefined variable, a mistake of syntax, an unsafe value.
pub fn render_file(templates_dir: &Path, name: &str, context: &Context) -> Result<String, Error> {
    let sources = Sources::read(templates_dir)?;
    if let Some(error) = sources.check_file(name, context).into_iter().next() {
        return Err(error);
    }
    sources.render(name, &context.payload_variables())
}

/// Finds every mistake of the scriptlets of `families` and of the payload templates `files`, without
/// building anything.
pub fn check(templates_dir: &Path, families: &[Family], files: &[&str], context: &Context) -> Vec<Error> {
    let sources = match Sources::read(templates_dir) {
        Ok(sources) => sources,
        Err(error) => return vec![error],
    };
    let mut problems = Vec::new();
    context.validate(&mut problems);
    for &family in families {
        problems.extend(sources.check_scripts(family, context));
    }
    for name in files {
        problems.extend(sources.check_template(name, &context.payload_variables()));
    }
    let mut seen = BTreeSet::new();
    problems.retain(|problem| seen.insert(problem.to_string()));
    problems
}

fn script_template(family: Family, script: ScriptName) -> String {
    format!("scriptlets/{}/{script}.sh", family.name())
}

/// All templates of a directory, by their path in it.
struct Sources {
    root: PathBuf,
    files: BTreeMap<String, String>,
}

impl Sources {
    fn read(root: &Path) -> Result<Sources, Error> {
        let mut files = BTreeMap::new();
        for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
            let entry = entry.map_err(|error| Error::Read {
                path: error.path().unwrap_or(root).to_path_buf(),
                source: error.into(),
            })?;
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = std::fs::read(entry.path())
                .map_err(|source| Error::Read { path: entry.path().to_path_buf(), source })?;
            // What is no text (an icon, say) is no template.
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let name = name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>();
            files.insert(name.join("/"), text);
        }
        Ok(Sources { root: root.to_path_buf(), files })
    }

    fn environment(&self) -> Environment<'_> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = environment.syntax().to_builder().trim_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(syntax.expect("only white space handling differs from the default syntax"));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
    }

    fn check_family(&self, family: Family, context: &Context) -> Vec<Error> {
        let mut problems = Vec::new();
        context.validate(&mut problems);
        problems.extend(self.check_scripts(family, context));
        problems
    }

    fn check_file(&self, name: &str, context: &Context) -> Vec<Error> {
        let mut problems = Vec::new();
        context.validate(&mut problems);
        problems.extend(self.check_template(name, &context.payload_variables()));
        problems
    }

    fn check_scripts(&self, family: Family, context: &Context) -> Vec<Error> {
        let mut problems = Vec::new();
        for &script in family.scripts() {
            let name = script_template(family, script);
            if self.files.contains_key(&name) {
                problems.extend(self.check_template(&name, &context.scriptlet_variables(family)));
            } else {
                let path = self.root.join(&name);
                let missing = || Error::MissingScript { path: path.clone(), family: family.name(), script };
                problems.push(not_text(&path).unwrap_or_else(missing));
            }
        }
        problems
    }

    /// Checks a template and all that it includes; where that finds nothing, renders it: filters and dynamic
    /// includes are only found out then.
    fn check_template(&self, name: &str, variables: &BTreeMap<&'static str, &str>) -> Vec<Error> {
        let mut problems = self.check_static(name, variables);
        if problems.is_empty() {
            problems.extend(self.render(name, variables).err());
        }
        problems
    }

    fn check_static(&self, name: &str, variables: &BTreeMap<&'static str, &str>) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![name.to_owned()];
        while let Some(name) = waiting.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let Some(text) = self.files.get(&name) else {
                problems.push(self.missing(&name));
                continue;
            };
            waiting.extend(includes(text));
            let mut environment = self.environment();
            if let Err(error) = environment.add_template(&name, text) {
                problems.push(self.template_error(&name, &error));
                continue;
            }
            let undeclared =
                environment.get_template(&name).map(|t| t.undeclared_variables(false)).unwrap_or_default();
            let mut undeclared: Vec<_> = undeclared.into_iter().collect();
            undeclared.sort();
            for variable in undeclared {
                if !variables.contains_key(variable.as_str()) {
                    problems.push(Error::UndefinedVariable {
                        path: self.root.join(&name),
                        line: line_of_use(text, &variable),
                        variable,
                        defined: variables.keys().copied().collect::<Vec<_>>().join(", "),
                    });
                }
            }
        }
        problems
    }

    fn render(&self, name: &str, variables: &BTreeMap<&'static str, &str>) -> Result<String, Error> {
        let mut environment = self.environment();
        // Only what this template includes: the directory holds other files, whose mistakes are not its own.
        let mut waiting = vec![name.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let Some((name, text)) = self.files.get_key_value(&name) else { return Err(self.missing(&name)) };
            if seen.insert(name) {
                environment.add_template(name, text).map_err(|error| self.template_error(name, &error))?;
                waiting.extend(includes(text));
            }
        }
        let template = environment.get_template(name).map_err(|_| self.missing(name))?;
        let values = minijinja::Value::from_pairs(variables.iter().map(|(name, value)| (*name, *value)));
        template.render(values).map_err(|error| self.template_error(name, &error))
    }

    fn missing(&self, name: &str) -> Error {
        let near = self
            .files
            .keys()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(score, _)| *score > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.clone());
        let path = self.root.join(name);
        not_text(&path).unwrap_or(Error::MissingTemplate { path, near })
    }

    fn template_error(&self, name: &str, error: &minijinja::Error) -> Error {
        Error::Template {
            path: self.root.join(error.name().unwrap_or(name)),
            line: error.line().unwrap_or(1),
            what: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        }
    }
}

/// A template that is there and was passed over because it is no text.
fn not_text(path: &Path) -> Option<Error> {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text");
    path.is_file().then(|| Error::Read { path: path.to_owned(), source })
}

/// The templates that a text includes.
fn includes(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("{% include \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
}

fn line_of_use(text: &str, variable: &str) -> usize {
    let uses = |line: &str| {
        line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == variable)
            && (line.contains("{{") || line.contains("{%"))
    };
    text.lines().position(uses).map_or(1, |index| index + 1)
}
