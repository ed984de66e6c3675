//! The files an administrator gives to pkgadd.

use svr4_pkg::{Admin, Response, Rule};

const ADMIN: &str = "# without questions\nmail=\ninstance=overwrite\npartial=nocheck\nrunlevel=nocheck\n\
    idepend=nocheck\nrdepend=nocheck\nspace=quit\nsetuid=nocheck\nconflict=nocheck\naction=nocheck\n\
    networktimeout=60\nnetworkretries=3\nauthentication=nocheck\nkeystore=/var/sadm/security\nproxy=\n\
    basedir=default\n";

#[test]
fn an_admin_file_for_unattended_installation_is_read() {
    let admin = Admin::parse(ADMIN).unwrap();
    assert_eq!(admin.get("instance"), Some("overwrite"));
    assert_eq!(admin.get("networktimeout"), Some("60"));
    assert_eq!(admin.get("mail"), None);
    assert_eq!(admin.get("rscriptalt"), None);
    assert_eq!(admin.settings().count(), 16);
    assert_eq!(admin.settings().next(), Some(("mail", "")));
}

#[test]
fn what_pkgadd_would_misread_in_an_admin_file_is_refused_with_its_line() {
    let cases = [
        ("space=quit # in production\n", Rule::AdminValue),
        ("instance=replace\n", Rule::AdminValue),
        ("setuid=maybe\n", Rule::AdminValue),
        ("networktimeout=soon\n", Rule::AdminValue),
        ("basedir=opt\n", Rule::AdminValue),
        ("basedir=/opt # here\n", Rule::AdminValue),
        ("keystore=/var/sadm/security # default\n", Rule::AdminValue),
        ("space=quit\r\n", Rule::AdminValue),
        ("proxy=x\r\n", Rule::AdminValue),
        ("installer=quiet\n", Rule::AdminKey),
        (" space=quit\n", Rule::AdminKey),
        ("space\n", Rule::AdminKey),
    ];
    for (line, rule) in cases {
        let problems = Admin::parse(&format!("mail=\n{line}")).unwrap_err();
        assert_eq!(problems.len(), 1, "{line}");
        assert_eq!((problems[0].rule, problems[0].place.as_str()), (rule, "admin line 2"), "{line}");
    }
    let twice = Admin::parse("mail=\nmail=root\n").unwrap_err();
    assert_eq!(twice[0].rule, Rule::AdminKey);
}

#[test]
fn a_response_file_is_taken_apart_as_pkgadd_does() {
    let text = b"# answers\nMASTER=pce.example.com:8443\nCODE='a b'\nquiet=yes\nPATH=/tmp\nVERSION=2\nCLASSES=none\n";
    let response = Response::parse(text).unwrap();
    let accepted: Vec<(&str, &str)> =
        response.accepted.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(accepted, [("MASTER", "pce.example.com:8443"), ("CODE", "a b"), ("CLASSES", "none")]);
    assert_eq!(response.ignored, ["quiet"]);
    assert_eq!(response.refused, ["PATH", "VERSION"]);
    let problems: Vec<String> = response.problems().iter().map(|problem| problem.place.clone()).collect();
    assert_eq!(problems, ["response quiet", "response PATH", "response VERSION"]);
}

#[test]
fn values_on_which_releases_disagree_are_refused() {
    for (text, rule) in [
        ("A='a \"b\" c'\n", Rule::ParameterQuote),
        ("A=\"open\n", Rule::ParameterQuote),
        ("A=b\\\n", Rule::ParameterQuote),
        ("A B\n", Rule::ParameterLine),
        ("A=b", Rule::ParameterLine),
        ("A=1\nA=2\n", Rule::ParameterDuplicate),
        ("A:B=1\n", Rule::ParameterKey),
        ("A=\u{1}\n", Rule::ParameterValue),
        ("A=b\r\n", Rule::ParameterValue),
    ] {
        let problems = Response::parse(text.as_bytes()).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(), [rule], "{text}");
    }
}
