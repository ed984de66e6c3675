//! A plan as a table for people.

use std::fmt::Write;

use super::{PackageDetails, Plan};
use crate::spec::RpmProfile;

/// Left-aligned columns, two blanks apart; the last column is not padded.
pub fn columns(rows: &[Vec<String>]) -> String {
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The whole plan.
pub fn render(plan: &Plan) -> String {
    let mut rows = vec![["FILE", "TARGET", "PROFILE", "COMPRESSION", "REQUIRES"].map(str::to_owned).to_vec()];
    for package in &plan.packages {
        let profile = match &package.details {
            PackageDetails::Rpm { profile: RpmProfile::El5, .. } => "rpm el5",
            PackageDetails::Rpm { profile: RpmProfile::El6, .. } => "rpm el6",
            PackageDetails::Deb { .. } => "deb",
        };
        let requires: Vec<String> = package.requires.iter().map(|d| d.alternatives[0].name.clone()).collect();
        rows.push(vec![
            package.file.clone(),
            package.target.clone(),
            profile.to_owned(),
            format!("{:?}", package.compression).to_lowercase(),
            requires.join(", "),
        ]);
    }
    for bundle in &plan.bundles {
        let members = match bundle.packages.len() {
            0 => "rules".to_owned(),
            n => format!("{n} packages"),
        };
        rows.push(vec![bundle.file.clone(), format!("{:?} bundle", bundle.kind).to_lowercase(), members]);
    }
    let mut out = format!(
        "release {}  time {}  expires {}  keys {}\n\n",
        plan.release.id, plan.release.created, plan.release.expires, plan.keys.profile
    );
    out.push_str(&columns(&rows));
    if !plan.left_out.is_empty() {
        let _ = writeln!(out, "\nleft out ({}):", plan.left_out.len());
        let rows: Vec<Vec<String>> =
            plan.left_out.iter().map(|l| vec![format!("  {}", l.package), l.reason.clone()]).collect();
        out.push_str(&columns(&rows));
    }
    let targets = plan.targets.len();
    let _ = writeln!(
        out,
        "\n{} packages from {targets} Rust targets, {} bundles, {} payload entries",
        plan.packages.len(),
        plan.bundles.len(),
        plan.payload.len()
    );
    if plan.keys.is_development() {
        out.push_str("DEVELOPMENT KEYS: nobody should trust what this plan signs\n");
    }
    out
}
