//! The main job, end to end.

mod common;

use common::{release, stdout_of, xtask};

#[test]
fn a_release_is_accepted_by_verify_and_says_that_its_key_is_for_development() {
    let output = stdout_of(xtask().arg("verify").arg(release()));
    assert!(output.contains("accepted"), "{output}");
    assert!(output.contains("DEVELOPMENT KEY"), "{output}");
}

#[test]
fn every_distinct_payload_stream_is_compressed_once() {
    let text = std::fs::read_to_string(release().join("release.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let packages = json["packages"].as_array().unwrap();
    let targets: std::collections::BTreeSet<_> = packages.iter().map(|p| p["target"].to_string()).collect();
    let formats: std::collections::BTreeSet<_> =
        packages.iter().map(|p| (p["target"].to_string(), p["format"].to_string())).collect();
    assert!(packages.len() >= 20, "{} packages", packages.len());
    assert_eq!(targets.len(), 1);
    // One stream for gzip in RPMs of both profiles, one for xz in debs.
    assert_eq!(json["payload_streams"], formats.len());
}
