//! Results as JUnit XML, which CI systems read.

use std::fmt::Write;
use std::time::Duration;

/// A set of cases.
#[derive(Debug, Clone)]
pub struct Suite {
    pub name: String,
    pub cases: Vec<TestCase>,
}

/// One case.
#[derive(Debug, Clone)]
pub struct TestCase {
    pub class: String,
    pub name: String,
    pub took: Duration,
    /// A line that says what failed, and everything to be known about it.
    pub failure: Option<(String, String)>,
}

/// The whole report. `left_out` goes into the properties: what this run did not cover, and why.
pub fn render(suites: &[Suite], left_out: &[String]) -> String {
    let count =
        |suite: &Suite| (suite.cases.len(), suite.cases.iter().filter(|c| c.failure.is_some()).count());
    let seconds = |suite: &Suite| suite.cases.iter().map(|c| c.took).sum::<Duration>().as_secs_f64();
    let (tests, failures) = suites.iter().map(count).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"test-install\" tests=\"{tests}\" failures=\"{failures}\">");
    for suite in suites {
        let (tests, failures) = count(suite);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\">",
            escaped(&suite.name),
            seconds(suite)
        );
        if !left_out.is_empty() {
            out.push_str("    <properties>\n");
            for text in left_out {
                let _ = writeln!(out, "      <property name=\"left-out\" value=\"{}\"/>", escaped(text));
            }
            out.push_str("    </properties>\n");
        }
        for case in &suite.cases {
            let _ = write!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(&case.class),
                escaped(&case.name),
                case.took.as_secs_f64()
            );
            match &case.failure {
                None => out.push_str("/>\n"),
                Some((message, text)) => {
                    let _ = write!(
                        out,
                        ">\n      <failure message=\"{}\" type=\"expectation\">{}</failure>\n    </testcase>\n",
                        escaped(message),
                        escaped(text)
                    );
                }
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for element content and attributes alike. Characters that XML 1.0 cannot carry become U+FFFD; line ends
/// and tabs survive in attributes too.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
