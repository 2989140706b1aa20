//! Entry rows as the card stores them, each family in rows of its own width: 40 bytes for IPv4, 88 for IPv6.

use fpgaflow_abi::bits::Row;
use fpgaflow_abi::entry::{ACTION_V4, ACTION_V6, ENTRY_BITS_V4, ENTRY_WORDS, Entry, EntryBits};
use fpgaflow_abi::key::{Family, KEY_BITS_V4, KEY_BITS_V6, KEY_WORDS, KeyBits};
use fpgaflow_abi::slot::EntryRef;

/// Words of an IPv4 row.
const WORDS_V4: usize = ENTRY_BITS_V4.div_ceil(64);

/// Rows of both families; an unused row is zero, which is not valid.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    v4: Vec<[u64; WORDS_V4]>,
    v6: Vec<[u64; ENTRY_WORDS]>,
}

impl Rows {
    /// The flow in `entry`, if there is one.
    pub fn get(&self, entry: EntryRef) -> Option<Entry> {
        Entry::from_bits(entry.family(), &self.bits(entry)).filter(|entry| entry.valid)
    }

    pub fn set(&mut self, entry: EntryRef, flow: &Entry) {
        self.write(entry, &flow.to_bits());
    }

    pub fn clear(&mut self, entry: EntryRef) {
        self.write(entry, &EntryBits::default());
    }

    /// Whether `entry` holds the flow with `key`.
    pub fn has_key(&self, entry: EntryRef, key: &KeyBits) -> bool {
        let valid = match entry.family() {
            Family::V4 => ACTION_V4.valid,
            Family::V6 => ACTION_V6.valid,
        };
        let row = self.bits(entry);
        row.bit(valid.lsb) && key_of(entry.family(), &row) == *key
    }

    /// The key in `entry`, as the card hashes it.
    pub fn key_bits(&self, entry: EntryRef) -> KeyBits {
        key_of(entry.family(), &self.bits(entry))
    }

    pub fn iter(&self) -> impl Iterator<Item = (EntryRef, Entry)> {
        let v4 = (0..self.v4.len() as u32).map(|index| EntryRef::of(Family::V4, index));
        let v6 = (0..self.v6.len() as u32).map(|index| EntryRef::of(Family::V6, index));
        v4.chain(v6).filter_map(|entry| Some((entry, self.get(entry)?)))
    }

    /// The row of `entry`; zero when nothing is there.
    pub fn bits(&self, entry: EntryRef) -> EntryBits {
        let index = entry.index() as usize;
        let mut row = EntryBits::default();
        match entry.family() {
            Family::V4 => {
                if let Some(words) = self.v4.get(index) {
                    row.0[..WORDS_V4].copy_from_slice(words);
                }
            }
            Family::V6 => {
                if let Some(words) = self.v6.get(index) {
                    row.0 = *words;
                }
            }
        }
        row
    }

    fn write(&mut self, entry: EntryRef, row: &EntryBits) {
        let index = entry.index() as usize;
        match entry.family() {
            Family::V4 => grown(&mut self.v4, index, [0; WORDS_V4]).copy_from_slice(&row.0[..WORDS_V4]),
            Family::V6 => grown(&mut self.v6, index, [0; ENTRY_WORDS]).copy_from_slice(&row.0),
        }
    }
}

/// Element `index`, after making the vector long enough: memory follows use, not the card's size.
fn grown<T: Copy>(rows: &mut Vec<T>, index: usize, empty: T) -> &mut T {
    if rows.len() <= index {
        rows.resize(index + 1, empty);
    }
    &mut rows[index]
}

fn key_of(family: Family, row: &EntryBits) -> KeyBits {
    let bits = match family {
        Family::V4 => KEY_BITS_V4,
        Family::V6 => KEY_BITS_V6,
    };
    Row(std::array::from_fn::<_, KEY_WORDS, _>(|word| match bits.saturating_sub(64 * word) {
        0 => 0,
        left if left < 64 => row.0[word] & ((1 << left) - 1),
        _ => row.0[word],
    }))
}
