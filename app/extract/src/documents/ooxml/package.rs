//! The relations between the files of a package.

use std::collections::BTreeMap;

use super::super::archive::{Archive, resolve};
use super::super::xml::{Step, attribute, walk};
use crate::error::ExtractError;
use crate::kind::Kind;

/// A relation to another file.
pub struct Relation {
    /// The end of its type, as in `slide`.
    pub role: String,
    /// The name of the file.
    pub file: String,
}

/// The relations of the file `name` by their identifiers; those to places outside are left out.
pub fn relations(
    kind: Kind,
    archive: &mut Archive<'_>,
    name: &str,
) -> Result<BTreeMap<String, Relation>, ExtractError> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let table = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
    let mut relations = BTreeMap::new();
    let Some(xml) = archive.markup(&table)? else { return Ok(relations) };
    walk(kind, &xml, |step| {
        if let Step::Open("Relationship", start) = step
            && attribute(start, "TargetMode").as_deref() != Some("External")
            && let (Some(id), Some(role), Some(target)) =
                (attribute(start, "Id"), attribute(start, "Type"), attribute(start, "Target"))
        {
            let role = role.rsplit('/').next().unwrap_or_default().to_owned();
            relations.insert(id, Relation { role, file: resolve(name, &target) });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// The main file of the package, or `usual`.
pub fn main_file(kind: Kind, archive: &mut Archive<'_>, usual: &str) -> Result<String, ExtractError> {
    let relations = relations(kind, archive, "")?;
    let stated =
        relations.into_values().find(|relation| relation.role == "officeDocument").map(|relation| relation.file);
    Ok(stated.filter(|file| archive.has(file)).unwrap_or_else(|| usual.to_owned()))
}

/// True if a switch such as `<w:vanish/>` is on.
pub fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("0" | "false" | "off" | "none"))
}
