//! The archive of control files of one part, read back into values.

use std::collections::BTreeMap;

use super::{ControlScript, PartKind, ReadError, metadata};
use crate::{
    ar::{ArchiveFormat, Member},
    inventory::{self, InventoryEntry},
    name::{InstallPath, Name},
    text::{ConfigHandling, SizeLine, read_apply_list, read_config_files, read_sizes},
};

/// The archive of control files (`liblpp.a`) of the usr or root part, as it stands in the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its archive format.
    pub format: ArchiveFormat,
    /// Its members in their order.
    pub members: Vec<Member>,
}

impl Control {
    /// The content of a member.
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        self.members.iter().find(|member| member.name == name).map(|member| member.data.as_slice())
    }

    /// A script of a fileset.
    pub fn script(&self, fileset: &Name, script: ControlScript) -> Option<&[u8]> {
        self.member(&format!("{fileset}.{}", script.suffix()))
    }

    /// The apply list of a fileset: paths on the host, in the order of the stream. The usr part lists
    /// root files where they are stored, below `/usr/lpp/<package>/inst_root`.
    ///
    /// # Errors
    ///
    /// When there is none, or a line of it breaks a rule.
    pub fn apply_list(&self, fileset: &Name) -> Result<Vec<InstallPath>, ReadError> {
        let name = format!("{fileset}.al");
        Ok(read_apply_list(&name, self.need(&name)?)?)
    }

    /// The inventory of a fileset.
    ///
    /// # Errors
    ///
    /// When there is none, or a line of it breaks a rule.
    pub fn inventory(&self, fileset: &Name) -> Result<Vec<InventoryEntry>, ReadError> {
        let name = format!("{fileset}.inventory");
        Ok(inventory::read(&name, self.need(&name)?)?)
    }

    /// The sizes of a fileset; empty when it states none.
    ///
    /// # Errors
    ///
    /// When a line of them breaks a rule.
    pub fn sizes(&self, fileset: &Name) -> Result<Vec<SizeLine>, ReadError> {
        let name = format!("{fileset}.size");
        Ok(read_sizes(&name, self.member(&name).unwrap_or_default())?)
    }

    /// The configuration files of a fileset.
    ///
    /// # Errors
    ///
    /// When a line of the list breaks a rule.
    pub fn config_files(&self, fileset: &Name) -> Result<BTreeMap<InstallPath, ConfigHandling>, ReadError> {
        let name = format!("{fileset}.cfgfiles");
        Ok(read_config_files(&name, self.member(&name).unwrap_or_default())?.into_iter().collect())
    }

    pub(super) fn scripts(&self, fileset: &Name) -> BTreeMap<ControlScript, Vec<u8>> {
        ControlScript::ALL
            .into_iter()
            .filter_map(|script| Some((script, self.script(fileset, script)?.to_vec())))
            .collect()
    }

    /// Members that belong to no fileset by their name.
    pub(super) fn extra<'a>(
        &'a self,
        part: PartKind,
        filesets: impl Iterator<Item = &'a Name> + Clone,
    ) -> impl Iterator<Item = ((PartKind, String), Vec<u8>)> {
        let known = move |name: &str| {
            name == metadata::PRODUCT_ID
                || filesets.clone().any(|fileset| metadata::member_names(fileset).any(|known| known == name))
        };
        let extra = self.members.iter().filter(move |member| !known(&member.name));
        extra.map(move |member| ((part, member.name.clone()), member.data.clone()))
    }

    fn need(&self, name: &str) -> Result<&[u8], ReadError> {
        self.member(name).ok_or_else(|| ReadError::MissingMember { member: name.into() })
    }
}
