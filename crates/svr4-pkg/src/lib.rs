//! SVR4 (Solaris) packages: write and strictly read, without Solaris.
