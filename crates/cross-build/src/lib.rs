//! Cross-compiles a cargo package for every target from one Linux machine.
