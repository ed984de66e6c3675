//! Writes a canonical by-name stream.

use std::io::{self, Read, Write};

use super::record::{BLOCK, End, FileType, Header, MAX_FILE_SIZE, Security, Volume, padding_to};
use crate::name::PATH_MAX;

const ZEROS: [u8; BLOCK as usize] = [0; BLOCK as usize];

/// Writes records in order; memory does not grow with the data.
pub struct StreamWriter<W> {
    output: W,
    position: u64,
    timestamp: u32,
    next_directory: u32,
}

impl<W: Write> StreamWriter<W> {
    /// Starts a stream whose times are all `timestamp` (seconds since 1970).
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn new(output: W, timestamp: u32) -> io::Result<Self> {
        let mut writer = Self { output, position: 0, timestamp, next_directory: u32::MAX };
        writer.put(&Volume::canonical(timestamp).encode())?;
        Ok(writer)
    }

    /// Adds a directory; `name` is relative and starts with `./`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for a name that restore would not put below its directory, and those
    /// of `output`.
    pub fn directory(&mut self, name: &str, permissions: u16) -> io::Result<()> {
        check_name(name)?;
        let inode = self.next_directory;
        self.next_directory -= 1;
        self.header(&Header::canonical(name, FileType::Directory, permissions, 0, self.timestamp, inode))
    }

    /// Adds a file of exactly `size` bytes, less than 2 GiB, read from `data`; `name` is relative and
    /// starts with `./`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for a name that restore would not put below its directory or a size
    /// of 2 GiB or more, [`io::ErrorKind::UnexpectedEof`] when `data` ends before `size` bytes, and those of
    /// `output` and `data`. Bytes of `data` after `size` are left unread.
    pub fn file(&mut self, name: &str, permissions: u16, size: u32, data: &mut dyn Read) -> io::Result<()> {
        check_name(name)?;
        if size > MAX_FILE_SIZE {
            let rule =
                format!("`{name}` has {size} bytes: files of a backup by name must be smaller than 2 GiB");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, rule));
        }
        self.header(&Header::canonical(name, FileType::Regular, permissions, size, self.timestamp, 0))?;
        let mut left = u64::from(size);
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let wanted = left.min(buffer.len() as u64) as usize;
            data.read_exact(&mut buffer[..wanted])?;
            self.put(&buffer[..wanted])?;
            left -= wanted as u64;
        }
        self.put(&ZEROS[..padding_to(size.into(), 8)])
    }

    /// Ends the stream, fills the last block with zeros and flushes. Returns the output and its length.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.put(&End::canonical().encode())?;
        self.put(&ZEROS[..padding_to(self.position, BLOCK)])?;
        self.output.flush()?;
        Ok((self.output, self.position))
    }

    fn header(&mut self, header: &Header) -> io::Result<()> {
        self.put(&header.encode())?;
        self.put(&Security::canonical(header.mode).encode())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

/// Refuses names that are absolute, climb, or cannot stand in a header.
fn check_name(name: &str) -> io::Result<()> {
    let relative = name == "./"
        || name
            .strip_prefix("./")
            .is_some_and(|rest| rest.split('/').all(|component| !matches!(component, "" | "." | "..")));
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if relative && plain && name.len() <= PATH_MAX + 1 {
        return Ok(());
    }
    let rule = format!(
        "the name `{name}` is refused: names of a backup start with `./`, have no `..`, no control or \
         non-ASCII characters and at most {PATH_MAX} bytes behind the dot"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_directory_of_restore_are_refused() {
        let mut stream = StreamWriter::new(Vec::new(), 0).unwrap();
        let long = format!("./{}", "x".repeat(PATH_MAX));
        for name in ["", "/etc/passwd", "etc", "./../etc", "./a/..", "./a//b", "./a/", "./a\0b", "./é", &long]
        {
            let error = stream.directory(name, 0o755).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
            let error = stream.file(name, 0o644, 0, &mut io::empty()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        assert_eq!(stream.finish().unwrap().1, BLOCK, "nothing but volume and end was written");
    }

    #[test]
    fn a_file_of_two_gibibytes_is_refused_before_its_header_is_written() {
        let mut stream = StreamWriter::new(Vec::new(), 0).unwrap();
        let error = stream.file("./big", 0o644, 1 << 31, &mut io::repeat(0)).unwrap_err();
        assert!(error.to_string().contains("smaller than 2 GiB"));
        assert_eq!(stream.finish().unwrap().1, BLOCK);
    }
}
