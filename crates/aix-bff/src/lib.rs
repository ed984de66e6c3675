//! AIX backup-file-format packages: write and strictly read, without AIX.
