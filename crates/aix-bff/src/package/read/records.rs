//! The records of a package, one after the other, with the checks of the dialect.

use std::io::{self, Read};

use super::{Dialect, PayloadItem, ReadError, not_canonical};
use crate::{
    backup::{BLOCK, End, FileType, Header, Security, StreamReader, Volume},
    package::{
        Contents,
        write::{CONTROL_MODE, HEAD_DIRECTORY_MODE, Meter},
    },
};

/// The stream with the checks of the dialect.
pub(super) struct Records<R> {
    stream: StreamReader<R>,
    pub(super) dialect: Dialect,
    next_directory: u32,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, dialect: Dialect) -> Result<Self, ReadError> {
        let stream = StreamReader::new(input)?;
        let canonical = Volume::canonical(stream.volume().date);
        if dialect == Dialect::Canonical && *stream.volume() != canonical {
            return Err(not_canonical("the volume record", "a field has another value"));
        }
        Ok(Self { stream, dialect, next_directory: u32::MAX })
    }

    /// The next record; its header is still to be [checked](Self::check_header).
    pub(super) fn next(&mut self) -> Result<Option<(Header, Security)>, ReadError> {
        self.check_padding()?;
        Ok(self.stream.next_record()?)
    }

    fn check_padding(&mut self) -> Result<(), ReadError> {
        let padding = self.stream.finish_record()?;
        if self.dialect == Dialect::Canonical && padding.iter().any(|&byte| byte != 0) {
            return Err(not_canonical("the padding of a file", "it must be zeros"));
        }
        Ok(())
    }

    /// In the canonical dialect, compares a header with the one that the writer would have made of its
    /// name, type and size, the time of the package, and `permissions` (`None`: those of a control file).
    pub(super) fn check_header(
        &mut self,
        (header, security): &(Header, Security),
        permissions: Option<u16>,
    ) -> Result<(), ReadError> {
        if self.dialect == Dialect::Aix {
            return Ok(());
        }
        let kind = header.file_type().unwrap_or(FileType::Regular);
        let (inode, default) = match kind {
            FileType::Regular => (0, CONTROL_MODE),
            FileType::Directory => {
                self.next_directory = self.next_directory.wrapping_sub(1);
                (self.next_directory.wrapping_add(1), HEAD_DIRECTORY_MODE)
            }
        };
        let (timestamp, permissions) = (self.stream.volume().date, permissions.unwrap_or(default));
        let canonical = Header::canonical(&header.name, kind, permissions, header.size, timestamp, inode);
        match difference((header, security), &canonical) {
            Some(rule) => Err(not_canonical(&format!("the header of {}", header.name), rule)),
            None => Ok(()),
        }
    }

    pub(super) fn control_bytes(&mut self, header: &Header, limit: u64) -> Result<Vec<u8>, ReadError> {
        let record = || header.name.clone();
        if u64::from(header.size) > limit {
            return Err(ReadError::TooLarge { record: record(), size: header.size, limit });
        }
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(limit).read_to_end(&mut bytes);
        read.map_err(|source| ReadError::Data { record: record(), source })?;
        Ok(bytes)
    }

    /// Gives the data of the current file to the sink, and measures all of it.
    pub(super) fn deliver(
        &mut self,
        payload: &PayloadItem<'_>,
        sink: &mut dyn FnMut(&PayloadItem<'_>, &mut dyn Read) -> io::Result<()>,
    ) -> Result<Contents, ReadError> {
        let record = || payload.record.to_owned();
        let mut data = Metered { input: &mut self.stream, meter: Meter::default(), failed: false };
        if let Err(source) = sink(payload, &mut data) {
            let record = record();
            return Err(match data.failed {
                true => ReadError::Data { record, source },
                false => ReadError::Sink { record, source },
            });
        }
        io::copy(&mut data, &mut io::sink())
            .map_err(|source| ReadError::Data { record: record(), source })?;
        Ok(data.meter.finish())
    }

    /// Reads the end of the stream.
    pub(super) fn finish(mut self) -> Result<Volume, ReadError> {
        if let Some((header, _)) = self.next()? {
            let expected = "the end: it is in no apply list".into();
            return Err(ReadError::Order { found: header.name, expected });
        }
        if self.dialect == Dialect::Canonical {
            if self.stream.end() != Some(End::canonical()) {
                return Err(not_canonical("the end record", "it must end volume 1"));
            }
            let end = self.stream.offset();
            let mut trailer = [0; 2 * BLOCK as usize];
            let mut filled = 0;
            while filled < trailer.len() {
                match self.stream.read_trailer(&mut trailer[filled..])? {
                    0 => break,
                    read => filled += read,
                }
            }
            let whole = end.next_multiple_of(BLOCK) - end;
            if filled as u64 != whole || trailer.iter().any(|&byte| byte != 0) {
                let rule = "zeros fill the last block of 512 bytes, and nothing follows";
                return Err(not_canonical("the end of the stream", rule));
            }
        }
        Ok(self.stream.volume().clone())
    }
}

/// What is not as in the canonical header.
fn difference((found, security): (&Header, &Security), canonical: &Header) -> Option<&'static str> {
    let times = |header: &Header| [header.accessed, header.modified, header.changed];
    [
        (found.packing == canonical.packing, "files are not packed"),
        (found.link_count == canonical.link_count, "the link count is 1"),
        (found.inode == canonical.inode, "inodes are 0 for files and count down for directories"),
        (
            found.mode == canonical.mode,
            "the mode is that of the inventory, 644 for control files, 755 above them",
        ),
        ((found.uid, found.gid) == (canonical.uid, canonical.gid), "owner and group are 0"),
        (times(found) == times(canonical), "all times are that of the package"),
        (found.stored_size == canonical.stored_size, "the stored size is the size"),
        (*security == Security::canonical(canonical.mode), "the control lists repeat the mode"),
        (found == canonical, "devices, reserved fields and the padding of the name are zeros"),
    ]
    .into_iter()
    .find_map(|(right, rule)| (!right).then_some(rule))
}

struct Metered<R> {
    input: R,
    meter: Meter,
    failed: bool,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer).inspect_err(|_| self.failed = true)?;
        self.meter.update(&buffer[..read]);
        Ok(read)
    }
}
