//! Reads a datastream piece by piece, with its position and digest.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::cpio::{self, BLOCK, HEADER, Header, MAX_NAME};
use crate::reading::ReadError;
use crate::rule::Rule;

pub(super) struct Tape<R> {
    input: R,
    position: u64,
    digest: Sha256,
}

impl<R: Read> Tape<R> {
    pub(super) fn new(input: R) -> Self {
        Tape { input, position: 0, digest: Sha256::new() }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn fill(&mut self, buffer: &mut [u8], what: &str) -> Result<(), ReadError> {
        let start = self.position;
        let mut done = 0;
        while done < buffer.len() {
            match self.read(&mut buffer[done..]) {
                Ok(0) => {
                    let detail = format!("{done} of {} bytes", buffer.len());
                    return Err(ReadError::refused(Rule::Truncated, what, detail).at(start));
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { what: what.to_owned(), source }),
            }
        }
        Ok(())
    }

    /// Skips NUL bytes up to the boundary.
    pub(super) fn padding(&mut self, boundary: u64, what: &str) -> Result<(), ReadError> {
        let start = self.position;
        let mut bytes = [0; BLOCK as usize];
        let length = (start.next_multiple_of(boundary) - start) as usize;
        self.fill(&mut bytes[..length], what)?;
        if bytes[..length].iter().any(|byte| *byte != 0) {
            return Err(ReadError::refused(Rule::Padding, what, "bytes other than NUL").at(start));
        }
        Ok(())
    }

    /// The next member's header and name, or `None` after the end of the archive and its padding.
    pub(super) fn member(&mut self, archive: &str) -> Result<Option<(Header, String)>, ReadError> {
        let start = self.position;
        let refuse = |rule, detail: String| ReadError::refused(rule, archive, detail).at(start);
        let mut fixed = [0; HEADER];
        self.fill(&mut fixed, archive)?;
        let header = Header::decode(&fixed).map_err(|rule| refuse(rule, "member header".into()))?;
        let length = header.name_size as usize;
        if !(2..=MAX_NAME).contains(&length) {
            return Err(refuse(Rule::CpioName, format!("name of {length} bytes")));
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes, archive)?;
        let name = cpio::name(&bytes)
            .map_err(|rule| refuse(rule, format!("{:?}", String::from_utf8_lossy(&bytes))))?;
        self.padding(4, name)?;
        if cpio::is_trailer(&header, name).map_err(|rule| refuse(rule, format!("`{name}`")))? {
            self.padding(BLOCK, "the end of the archive")?;
            return Ok(None);
        }
        header.check().map_err(|rule| refuse(rule, format!("`{name}`")))?;
        Ok(Some((header, name.to_owned())))
    }

    /// Nothing may follow.
    pub(super) fn end(mut self) -> Result<(u64, [u8; 32]), ReadError> {
        let mut byte = [0];
        loop {
            match self.input.read(&mut byte) {
                Ok(0) => return Ok((self.position, self.digest.finalize().into())),
                Ok(_) => {
                    return Err(
                        ReadError::refused(Rule::TrailingData, "datastream", "more bytes").at(self.position)
                    );
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { what: "the end of the stream".into(), source }),
            }
        }
    }
}

impl<R: Read> Read for Tape<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }
}
