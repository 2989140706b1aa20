//! Words of a model's memories, read and changed behind its back: for tests that damage them.

use std::ffi::c_char;
use std::ptr::NonNull;

use super::{Interface, Model, text};
use crate::error::Error;

/// `struct Memory` of the shim.
#[repr(C)]
pub(super) struct RawMemory {
    name: *const c_char,
    width: u32,
    words: u32,
}

/// Handle of one memory, resolved once by [`Model::find_memory`]. Good for every model of the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(u32);

/// Name and shape of a memory, and where its first word is.
#[derive(Debug)]
pub(super) struct Cells {
    name: String,
    width: u32,
    words: u32,
    first: NonNull<u8>,
}

// A word is copied as bytes, the least significant first.
const _: () = assert!(cfg!(target_endian = "little"));

impl Cells {
    /// The memories of `instance`.
    ///
    /// # Safety
    /// `instance` was made by `interface`.
    pub(super) unsafe fn all(interface: &Interface, instance: NonNull<std::ffi::c_void>) -> Vec<Self> {
        // SAFETY: the shim's table has `memory_count` entries and is constant.
        let raw = unsafe { std::slice::from_raw_parts(interface.memories, interface.memory_count as usize) };
        let cells = |(index, memory): (u32, &RawMemory)| Self {
            // SAFETY: a string literal of the shim.
            name: unsafe { text(memory.name) },
            width: memory.width,
            words: memory.words,
            first: NonNull::new((interface.memory)(instance.as_ptr(), index).cast())
                .expect("the shim knows every memory of its table"),
        };
        (0..).zip(raw).map(cells).collect()
    }

    /// Bytes of a word: as of a port's value.
    fn word_bytes(&self) -> usize {
        match self.width {
            0..=8 => 1,
            9..=16 => 2,
            17..=32 => 4,
            33..=64 => 8,
            width => 4 * width.div_ceil(32) as usize,
        }
    }

    /// Where a word is.
    fn at(&self, word: u32) -> *mut u8 {
        assert!(word < self.words, "memory {} has {} words, there is no word {word}", self.name, self.words);
        // SAFETY: the words are one array, of which this is one.
        unsafe { self.first.as_ptr().add(word as usize * self.word_bytes()) }
    }
}

impl Model {
    /// The handle of the memory at `path` below the top: `store.rows.mem`.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn find_memory(&self, path: &str) -> Result<Memory, Error> {
        let found = self.memories.iter().position(|memory| memory.name == path);
        found.map(|index| Memory(index as u32)).ok_or_else(|| Error::NoMemory {
            top: self.top.clone(),
            name: path.into(),
            memories: self.memories.iter().map(|memory| memory.name.clone()).collect(),
        })
    }

    /// Bits of a word and number of words of `memory`.
    pub fn memory_shape(&self, memory: Memory) -> (u32, u32) {
        let cells = &self.memories[memory.0 as usize];
        (cells.width, cells.words)
    }

    /// Bit `bit` of word `word` of `memory`.
    ///
    /// # Panics
    /// When the memory does not have it.
    pub fn memory_bit(&self, memory: Memory, word: u32, bit: u32) -> bool {
        let (at, mask) = self.byte_of(memory, word, bit);
        // SAFETY: a byte of a word of the instance that this value owns; `&self` keeps `eval` from running.
        unsafe { at.read() & mask != 0 }
    }

    /// Turns bit `bit` of word `word` of `memory` around, as a particle would: what reads it from now on reads that.
    ///
    /// # Panics
    /// When the memory does not have it.
    pub fn flip_memory_bit(&mut self, memory: Memory, word: u32, bit: u32) {
        let (at, mask) = self.byte_of(memory, word, bit);
        // SAFETY: as in `memory_bit`, and nothing else runs on the instance while we hold `&mut self`.
        unsafe { at.write(at.read() ^ mask) }
    }

    fn byte_of(&self, memory: Memory, word: u32, bit: u32) -> (*mut u8, u8) {
        let cells = &self.memories[memory.0 as usize];
        assert!(bit < cells.width, "a word of memory {} has {} bits, there is no bit {bit}", cells.name, cells.width);
        // SAFETY: a word has `word_bytes` bytes, and the bit is in one of them.
        (unsafe { cells.at(word).add(bit as usize / 8) }, 1 << (bit % 8))
    }
}
