//! Unpacks the data of packed records: the coding of the System V `pack` command without its file
//! header.
//!
//! A byte gives the number of levels of the code tree, one byte per level the number of leaves on it
//! (the last level less two, because the end mark stands there and is not sent), then the symbols in
//! order, then the codes, most significant bit first.

use std::io::{self, Read};

/// Longest code in bits: more levels than symbols are not possible.
const MAX_LEVELS: usize = 255;

/// Decoder of one packed file.
pub(crate) struct Unpacker {
    symbols: Vec<u8>,
    /// Per level: index of its first symbol, number of leaves, number of inner nodes.
    levels: Vec<Level>,
    left: u64,
    input: Vec<u8>,
    position: usize,
    bits: u8,
    bits_left: u8,
}

#[derive(Clone, Copy)]
struct Level {
    first: usize,
    leaves: u32,
    inner: u32,
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Unpacker {
    /// Reads the code tree of a file of `size` unpacked bytes (at least one).
    pub(crate) fn new(input: &mut impl Read, size: u64) -> io::Result<Self> {
        let mut count = [0];
        input.read_exact(&mut count)?;
        let depth = usize::from(count[0]);
        if depth == 0 || depth > MAX_LEVELS {
            return Err(invalid("a packed file has a code tree without levels"));
        }
        let mut stored = vec![0; depth];
        input.read_exact(&mut stored)?;
        let mut leaves: Vec<u32> = stored.iter().map(|&n| u32::from(n)).collect();
        leaves[depth - 1] += 2;
        let mut inner = vec![0; depth];
        for level in (0..depth - 1).rev() {
            let below: u32 = inner[level + 1] + leaves[level + 1];
            if !below.is_multiple_of(2) {
                return Err(invalid("a packed file has an odd number of nodes on a level of its code tree"));
            }
            inner[level] = below / 2;
        }
        if inner[0] + leaves[0] != 2 {
            return Err(invalid("a packed file has a code tree without a single root"));
        }
        let mut first = 0;
        let levels: Vec<Level> = leaves
            .into_iter()
            .zip(inner)
            .map(|(leaves, inner)| {
                let level = Level { first, leaves, inner };
                first += leaves as usize;
                level
            })
            .collect();
        // The end mark is the last leaf and has no symbol.
        let mut symbols = vec![0; first - 1];
        if symbols.len() > 256 {
            return Err(invalid("a packed file has more than 256 symbols"));
        }
        input.read_exact(&mut symbols)?;
        Ok(Self { symbols, levels, left: size, input: Vec::new(), position: 0, bits: 0, bits_left: 0 })
    }

    /// Decodes into `buffer`; 0 after the last byte of the file.
    pub(crate) fn read(&mut self, input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = (buffer.len() as u64).min(self.left) as usize;
        for byte in &mut buffer[..wanted] {
            *byte = self.symbol(input)?;
        }
        self.left -= wanted as u64;
        Ok(wanted)
    }

    fn symbol(&mut self, input: &mut impl Read) -> io::Result<u8> {
        let mut code = 0;
        for index in 0..self.levels.len() {
            code = code * 2 + self.bit(input)?;
            let Level { first, leaves, inner } = self.levels[index];
            if let Some(leaf) = code.checked_sub(inner) {
                if leaf >= leaves {
                    break;
                }
                return self
                    .symbols
                    .get(first + leaf as usize)
                    .copied()
                    .ok_or_else(|| invalid("a packed file ends before its stated size"));
            }
        }
        Err(invalid("a packed file has a code that its code tree does not have"))
    }

    fn bit(&mut self, input: &mut impl Read) -> io::Result<u32> {
        if self.bits_left == 0 {
            self.bits = self.byte(input)?;
            self.bits_left = 8;
        }
        self.bits_left -= 1;
        Ok(u32::from(self.bits >> self.bits_left & 1))
    }

    fn byte(&mut self, input: &mut impl Read) -> io::Result<u8> {
        while self.position == self.input.len() {
            let mut chunk = [0; 4096];
            match input.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.input.clear();
                    self.input.extend_from_slice(&chunk[..read]);
                    self.position = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position += 1;
        Ok(self.input[self.position - 1])
    }
}
