//! The checksum of pkgmap: the System V `sum`.

use std::io::{self, Read, Write};

/// Size and checksum of a file as pkgmap records them. The checksum is what `sum -s` prints:
/// all bytes added modulo 2^32, folded twice to 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum {
    /// Length in bytes, below 4 GiB.
    pub size: u32,
    /// Folded checksum.
    pub cksum: u16,
}

impl Sum {
    /// The sum of bytes in memory. `None` when there are 4 GiB or more.
    pub fn of(bytes: &[u8]) -> Option<Sum> {
        let mut summer = Summer::default();
        summer.update(bytes);
        summer.finish()
    }
}

/// Adds up data as it passes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Summer {
    size: u64,
    sum: u32,
}

impl Summer {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        // A chunk of 2^20 bytes cannot overflow 32 bits, so the modulo is taken once a chunk.
        for chunk in bytes.chunks(1 << 20) {
            let added: u32 = chunk.iter().map(|byte| u32::from(*byte)).sum();
            self.sum = self.sum.wrapping_add(added);
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn finish(self) -> Option<Sum> {
        let once = (self.sum & 0xffff) + (self.sum >> 16);
        let twice = (once & 0xffff) + (once >> 16);
        Some(Sum { size: u32::try_from(self.size).ok()?, cksum: twice as u16 })
    }
}

/// Copies at most `limit` bytes and returns what passed.
pub(crate) fn copy_summed(from: &mut dyn Read, to: &mut dyn Write, limit: u64) -> io::Result<Summer> {
    let mut summer = Summer::default();
    let mut buffer = vec![0; 64 * 1024];
    while summer.size() < limit {
        let want = buffer.len().min(usize::try_from(limit - summer.size()).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..want]) {
            Ok(0) => break,
            Ok(count) => {
                summer.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(summer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_system_v_sum_on_the_known_vectors() {
        let ramp: Vec<u8> = (0..999).flat_map(|_| 0..=255u8).chain(*b"tail").collect();
        let vectors: [(&[u8], u16); 8] = [
            (b"", 0),
            (b"a=1\n", 217),
            (b"#!/bin/sh\necho hello\n", 1693),
            (&ramp, 36891),
            (&[0xff; 257], 65535),
            (&vec![0xff; 65793], 255),
            (&vec![0xff; 20_000_000], 764),
            (&vec![0xff; 16_843_010], 254),
        ];
        for (bytes, cksum) in vectors {
            assert_eq!(Sum::of(bytes).unwrap(), Sum { size: bytes.len() as u32, cksum });
        }
    }

    #[test]
    fn the_checksum_does_not_depend_on_how_the_data_is_cut() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut summer = Summer::default();
        bytes.chunks(777).for_each(|chunk| summer.update(chunk));
        assert_eq!(summer.finish(), Sum::of(&bytes));
    }
}
