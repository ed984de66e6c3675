//! Debian packages: write and strictly read.
