//! The container: a by-name stream of the AIX `backup` command. FORMAT.md has the byte tables.

mod reader;
mod record;
mod writer;

pub use reader::{StreamError, StreamReader};
pub use record::{
    BLOCK, End, FileType, Header, MAGIC_BY_INODE, MAGIC_BY_NAME, MAGIC_PACKED, MAX_FILE_SIZE, Packing,
    Security, Volume,
};
pub use writer::StreamWriter;
