//! Writes a canonical by-name stream.

use std::io::{self, Read, Write};

use super::record::{BLOCK, End, FileType, Header, Security, Volume, padding_to};

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
    /// Those of `output`.
    ///
    /// # Panics
    ///
    /// When `name` has more than 1975 bytes.
    pub fn directory(&mut self, name: &str, permissions: u16) -> io::Result<()> {
        let inode = self.next_directory;
        self.next_directory -= 1;
        self.header(&Header::canonical(name, FileType::Directory, permissions, 0, self.timestamp, inode))
    }

    /// Adds a file of exactly `size` bytes read from `data`.
    ///
    /// # Errors
    ///
    /// Those of `output` and `data`; [`io::ErrorKind::UnexpectedEof`] when `data` ends before `size` bytes.
    /// Bytes of `data` after `size` are left unread.
    ///
    /// # Panics
    ///
    /// When `name` has more than 1975 bytes.
    pub fn file(&mut self, name: &str, permissions: u16, size: u32, data: &mut dyn Read) -> io::Result<()> {
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
