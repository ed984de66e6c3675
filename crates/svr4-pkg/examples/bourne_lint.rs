//! Lints the scripts named on the command line for the Solaris 10 shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut clean = true;
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(text) => {
                for finding in svr4_pkg::bourne_lint::lint(&String::from_utf8_lossy(&text)) {
                    println!("{path}:{}: {finding}", finding.line);
                    clean = false;
                }
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                clean = false;
            }
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
