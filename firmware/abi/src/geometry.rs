//! What a card is: its size as its identity registers tell. Never assumed by the driver.

use bitfield_struct::bitfield;

use crate::hash::{HASH_BITS, TAG_BITS};
use crate::key::Family;
use crate::slot::{BANKS, EntryRef, WAYS};
use crate::wire::{MAX_L2_BYTES, MIN_FRAME_BYTES};
use crate::{ABI_VERSION, MAGIC, MAX_PORTS, regs};

/// Register `DATAPATH`.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Datapath {
    /// Width of the data path in bits.
    pub width_bits: u16,
    /// Ethernet ports.
    pub ports: u8,
    /// Bits of the keyed hash that the card computes.
    pub hash_bits: u8,
}

/// Register `TABLE`.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Table {
    /// Buckets of a bank, as a power of two.
    pub bucket_bits: u8,
    /// Slots of a bucket.
    pub ways: u8,
    /// Banks.
    pub banks: u8,
    /// Stash slots.
    pub stash: u8,
}

/// Longest frame that the engines take, without FCS: a packet of 9,000 bytes behind the longest layer 2 header. A card says its own in
/// its identity.
pub const MAX_FRAME_BYTES: u32 = 9000 + MAX_L2_BYTES as u32;

/// Size of one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Width of the data path in bits, 64 or 512.
    pub width_bits: u16,
    /// Ethernet ports, 1 to [`MAX_PORTS`].
    pub ports: u8,
    /// Bits of the keyed hash that the card computes, the lowest of [`HASH_BITS`]: what it has no tables for it need not know.
    pub hash_bits: u8,
    /// Buckets of a bank, as a power of two.
    pub bucket_bits: u8,
    /// Stash slots.
    pub stash: u8,
    /// IPv4 entries.
    pub entries_v4: u32,
    /// IPv6 entries; 0 for an engine that punts IPv6.
    pub entries_v6: u32,
    /// Next hops.
    pub next_hops: u32,
    /// Longest frame in bytes, without FCS.
    pub max_frame_bytes: u32,
    /// Clock of the engine; 0 for a card without one of its own (co-simulation).
    pub clock_hz: u32,
    /// Build that made the bitstream.
    pub build_id: u32,
}

/// Why a card is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityError {
    /// `MAGIC` is not [`MAGIC`]: not a flow engine, or gone (all ones).
    Magic(u32),
    /// The card's ABI version is not one that this driver speaks.
    AbiVersion(u32),
    /// A geometry register has a value that no engine has; the register's name and value.
    Register(&'static str, u32),
}

impl core::fmt::Display for IdentityError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Magic(found) => write!(f, "register MAGIC reads {found:#010x}, a flow engine reads {MAGIC:#010x}"),
            Self::AbiVersion(found) => {
                write!(
                    f,
                    "register ABI_VERSION reads {}.{}, this driver speaks {}.{}",
                    found >> 16,
                    found & 0xffff,
                    ABI_VERSION >> 16,
                    ABI_VERSION & 0xffff
                )
            }
            Self::Register(name, found) => write!(f, "register {name} reads {found:#010x}, which no flow engine has"),
        }
    }
}

impl core::error::Error for IdentityError {}

impl Geometry {
    /// Identifies a card by its registers, `read` by offset.
    ///
    /// # Errors
    /// [`IdentityError`] names the first register that does not fit.
    pub fn identify(mut read: impl FnMut(u32) -> u32) -> Result<Self, IdentityError> {
        let magic = read(regs::MAGIC);
        if magic != MAGIC {
            return Err(IdentityError::Magic(magic));
        }
        let version = read(regs::ABI_VERSION);
        if version >> 16 != ABI_VERSION >> 16 || version < ABI_VERSION {
            return Err(IdentityError::AbiVersion(version));
        }
        let datapath_word = read(regs::DATAPATH);
        let datapath = Datapath::from_bits(datapath_word);
        if !matches!(datapath.width_bits(), 64 | 512) || !(1..=MAX_PORTS as u8).contains(&datapath.ports()) {
            return Err(IdentityError::Register("DATAPATH", datapath_word));
        }
        let table_word = read(regs::TABLE);
        let table = Table::from_bits(table_word);
        if usize::from(table.ways()) != WAYS || usize::from(table.banks()) != BANKS || !(1..=24).contains(&table.bucket_bits()) {
            return Err(IdentityError::Register("TABLE", table_word));
        }
        // Bucket and tag come from the hash.
        if !(TAG_BITS + usize::from(table.bucket_bits())..=HASH_BITS).contains(&datapath.hash_bits().into()) {
            return Err(IdentityError::Register("DATAPATH", datapath_word));
        }
        let geometry = Self {
            width_bits: datapath.width_bits(),
            ports: datapath.ports(),
            hash_bits: datapath.hash_bits(),
            bucket_bits: table.bucket_bits(),
            stash: table.stash(),
            entries_v4: read(regs::ENTRIES_V4),
            entries_v6: read(regs::ENTRIES_V6),
            next_hops: read(regs::NEXT_HOPS),
            max_frame_bytes: read(regs::MAX_FRAME),
            clock_hz: read(regs::CLOCK_HZ),
            build_id: read(regs::BUILD_ID),
        };
        // An engine may be of one family only, but not of none.
        let fewest_v4 = if geometry.entries_v6 == 0 { 1 } else { 0 };
        for (name, value, range) in [
            ("ENTRIES_V4", geometry.entries_v4, fewest_v4..=1 << 23),
            ("ENTRIES_V6", geometry.entries_v6, 0..=1 << 23),
            ("NEXT_HOPS", geometry.next_hops, 1..=1 << crate::entry::NEXT_HOP_BITS),
            ("MAX_FRAME", geometry.max_frame_bytes, MIN_FRAME_BYTES as u32..=1 << 16),
        ] {
            if !range.contains(&value) {
                return Err(IdentityError::Register(name, value));
            }
        }
        Ok(geometry)
    }

    /// Value of the identity register at `offset`; `None` where there is none. What the hardware presents.
    pub fn register(&self, offset: u32) -> Option<u32> {
        Some(match offset {
            regs::MAGIC => MAGIC,
            regs::ABI_VERSION => ABI_VERSION,
            regs::DATAPATH => {
                Datapath::new().with_width_bits(self.width_bits).with_ports(self.ports).with_hash_bits(self.hash_bits).into_bits()
            }
            regs::TABLE => Table::new()
                .with_bucket_bits(self.bucket_bits)
                .with_ways(WAYS as u8)
                .with_banks(BANKS as u8)
                .with_stash(self.stash)
                .into_bits(),
            regs::ENTRIES_V4 => self.entries_v4,
            regs::ENTRIES_V6 => self.entries_v6,
            regs::NEXT_HOPS => self.next_hops,
            regs::MAX_FRAME => self.max_frame_bytes,
            regs::CLOCK_HZ => self.clock_hz,
            regs::BUILD_ID => self.build_id,
            _ => return None,
        })
    }

    /// Slots in both banks, without the stash.
    pub const fn slots(&self) -> u32 {
        ((BANKS * WAYS) as u32) << self.bucket_bits
    }

    /// Entries of `family`.
    pub const fn entries(&self, family: Family) -> u32 {
        match family {
            Family::V4 => self.entries_v4,
            Family::V6 => self.entries_v6,
        }
    }

    /// Whether the card has the entry that `entry` names.
    pub const fn has_entry(&self, entry: EntryRef) -> bool {
        entry.index() < self.entries(entry.family())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Geometry = Geometry {
        width_bits: 64,
        ports: 2,
        hash_bits: 32,
        bucket_bits: 9,
        stash: 8,
        entries_v4: 4096,
        entries_v6: 0,
        next_hops: 256,
        max_frame_bytes: 9018,
        clock_hz: 0,
        build_id: 0x1234,
    };

    #[test]
    fn a_card_is_identified_by_what_it_presents() {
        assert_eq!(Geometry::identify(|offset| CARD.register(offset).unwrap_or(0)), Ok(CARD));
    }

    #[test]
    fn a_strange_card_is_refused_by_the_register_that_is_strange() {
        let with = |at: u32, value: u32| {
            Geometry::identify(|offset| if offset == at { value } else { CARD.register(offset).unwrap_or(0) })
        };
        assert_eq!(with(regs::MAGIC, u32::MAX), Err(IdentityError::Magic(u32::MAX)));
        assert_eq!(with(regs::ABI_VERSION, 0x0002_0000), Err(IdentityError::AbiVersion(0x0002_0000)));
        assert_eq!(with(regs::TABLE, 0), Err(IdentityError::Register("TABLE", 0)));
        assert_eq!(with(regs::DATAPATH, 0), Err(IdentityError::Register("DATAPATH", 0)));
        for (name, offset) in [("ENTRIES_V4", regs::ENTRIES_V4), ("NEXT_HOPS", regs::NEXT_HOPS), ("MAX_FRAME", regs::MAX_FRAME)] {
            assert_eq!(with(offset, 0), Err(IdentityError::Register(name, 0)), "an engine without any");
            assert_eq!(with(offset, u32::MAX), Err(IdentityError::Register(name, u32::MAX)));
        }
    }
}
