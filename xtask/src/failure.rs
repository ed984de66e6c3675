//! Prints a failure: a report with source lines on a terminal, plain lines in a pipe, JSON where asked.

use std::io::IsTerminal;

use serde_json::json;

use crate::error::{Cause, Failure};

/// Prints to standard error, or as JSON to standard output.
pub fn print(failure: &Failure, as_json: bool) {
    if as_json {
        println!("{}", to_json(failure));
    } else {
        eprint!("{}", to_text(failure, std::io::stderr().is_terminal()));
    }
}

/// For people.
pub fn to_text(failure: &Failure, graphical: bool) -> String {
    match &failure.cause {
        Cause::Plan(errors) => {
            let each = errors.0.iter().map(|problem| {
                if graphical { format!("{:?}", problem.with_source()) } else { format!("{}\n", problem.plain()) }
            });
            let all: String = each.collect();
            format!("{all}error: {errors}\n")
        }
        Cause::Refused { what, refusals } => {
            let lines: String = refusals.iter().map(|r| format!("  {r}\n")).collect();
            format!("{lines}error: {what} is refused: {}\n", count(refusals.len()))
        }
        Cause::One { what, mend } => format!("error: {what}\n  mend: {mend}\n"),
    }
}

/// For programs.
pub fn to_json(failure: &Failure) -> serde_json::Value {
    let errors: Vec<serde_json::Value> = match &failure.cause {
        Cause::Plan(errors) => errors
            .0
            .iter()
            .map(|p| {
                let (line, column) = p.at.line_and_column();
                json!({ "rule": p.rule, "file": p.at.source.name, "line": line, "column": column,
                        "message": p.message, "mend": p.mend })
            })
            .collect(),
        Cause::Refused { refusals, .. } => {
            refusals.iter().map(|r| json!({ "rule": r.rule, "file": r.file, "message": r.why })).collect()
        }
        Cause::One { what, mend } => vec![json!({ "message": what, "mend": mend })],
    };
    json!({ "exit": failure.exit as u8, "errors": errors })
}

fn count(n: usize) -> String {
    if n == 1 { "1 reason".to_owned() } else { format!("{n} reasons") }
}
