//! RPM packages: write and strictly read.
