//! The memories of an engine and what they take of a device.

use crate::boards::{Board, Device};
use crate::text::{self, Declared};

/// What a memory is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Lookup tables.
    Lut,
    /// Blocks of 18 kbit.
    Block,
    /// UltraRAM.
    Ultra,
}

impl Place {
    /// The value of the attribute `ram_style` for it.
    pub const fn style(self) -> &'static str {
        match self {
            Self::Lut => "distributed",
            Self::Block => "block",
            Self::Ultra => "ultra",
        }
    }
}

/// One memory: simple dual port, one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Where it is, from the engine's top: `datapath.flows.entries_v4.rows.memory`.
    pub path: String,
    /// Bits of a word.
    pub width: usize,
    /// Words.
    pub words: usize,
    /// The engine's own text asks for lookup tables: it is small, or read without a clock.
    pub lut: bool,
}

/// Words and bits of a block of 18 kbit, in its shapes. Those of ECP5's EBR and of half a UltraScale+ block RAM.
const BLOCK_SHAPES: [(usize, usize); 6] = [(512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)];
/// Words and bits of an UltraRAM.
const ULTRA_SHAPE: (usize, usize) = (4096, 72);

impl Memory {
    /// Bits in all.
    pub const fn bits(&self) -> usize {
        self.width * self.words
    }

    /// Blocks that hold it at `place`, in the shape that needs the fewest; 0 of lookup tables.
    pub fn blocks(&self, place: Place) -> usize {
        let needed = |(words, bits): (usize, usize)| self.words.div_ceil(words) * self.width.div_ceil(bits);
        match place {
            Place::Lut => 0,
            Place::Block => BLOCK_SHAPES.into_iter().map(needed).min().unwrap_or(0),
            Place::Ultra => needed(ULTRA_SHAPE),
        }
    }
}

/// What memories take of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Bits in lookup tables.
    pub lut_bits: usize,
    /// Blocks of 18 kbit.
    pub blocks: usize,
    /// UltraRAM blocks.
    pub ultra: usize,
}

impl Used {
    /// What `memories` take, each where `board` puts it.
    pub fn by(board: &Board, memories: &[Memory]) -> Self {
        let mut used = Self::default();
        for memory in memories {
            let place = board.place_of(memory);
            match place {
                Place::Lut => used.lut_bits += memory.bits(),
                Place::Block => used.blocks += memory.blocks(place),
                Place::Ultra => used.ultra += memory.blocks(place),
            }
        }
        used
    }

    /// Whether `device` has as many.
    pub const fn fits(&self, device: &Device) -> bool {
        self.blocks <= device.blocks && self.ultra <= device.ultra
    }
}

/// The memories below module `top` of `verilog`, in the order of the text.
pub(crate) fn memories(verilog: &str, top: &str) -> Vec<Memory> {
    let modules = text::modules(verilog);
    let mut found = Vec::new();
    let mut below = vec![(top, String::new())];
    while let Some((name, path)) = below.pop() {
        let Some(module) = modules.get(name) else { continue };
        if let Some(Declared { width, words, lut }) = module.memory {
            found.push(Memory { path: path.clone(), width, words, lut });
        }
        let at = |instance: &str| if path.is_empty() { instance.to_owned() } else { format!("{path}.{instance}") };
        below.extend(module.instances.iter().rev().map(|(of, instance)| (*of, at(instance))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_takes_the_shape_that_needs_fewest_blocks() {
        let blocks = |width, words| Memory { path: String::new(), width, words, lut: false }.blocks(Place::Block);
        assert_eq!((blocks(36, 512), blocks(37, 512), blocks(1, 16384)), (1, 2, 1));
        // 304 bits: nine of 36 for 512 words, but 17 of 18 for 1,024 and 34 of 9 for 2,048.
        assert_eq!((blocks(304, 512), blocks(304, 1024), blocks(304, 2048)), (9, 17, 34));
        assert_eq!(Memory { path: String::new(), width: 304, words: 1 << 16, lut: false }.blocks(Place::Ultra), 16 * 5);
    }
}
