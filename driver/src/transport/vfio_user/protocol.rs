//! The messages of vfio-user 0.0, both ways: what a client sends, a server answers, byte for byte.
//!
//! Source: `docs/interop/vfio-user.rst` of QEMU; the structures are those of Linux's `include/uapi/linux/vfio.h`. Fields are
//! little-endian, as every machine that shares a socket with another is the same machine.
//!
//! # Contract
//! Decoding never panics: what is too short is `None`, and bytes behind a structure are left to the caller.

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = 16;
/// Most bytes of memory or region that one message carries.
pub const MAX_TRANSFER_BYTES: usize = 1 << 20;
/// Longest message that either side takes: a transfer and the structures around it.
pub const MAX_MESSAGE_BYTES: usize = MAX_TRANSFER_BYTES + 4096;
/// Most file descriptors of one message.
pub const MAX_FDS: usize = 8;
/// Major version of the protocol. Another one is another protocol.
pub const MAJOR: u16 = 0;
/// Minor version.
pub const MINOR: u16 = 0;

/// [`Header::flags`]: the message's type; 0 is a command.
pub const TYPE_MASK: u32 = 0xf;
/// [`Header::flags`]: the type of a reply.
pub const TYPE_REPLY: u32 = 1;
/// [`Header::flags`]: the command wants no reply.
pub const FLAG_NO_REPLY: u32 = 1 << 4;
/// [`Header::flags`]: the reply tells of a failure, [`Header::error`] is its errno.
pub const FLAG_ERROR: u32 = 1 << 5;

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Command {
    /// Agree on version and limits: [`Version`], then capabilities as JSON with a NUL behind. The first message.
    Version = 1,
    /// [`DmaMap`], with the memory's file.
    DmaMap = 2,
    /// [`DmaUnmap`], answered with it.
    DmaUnmap = 3,
    /// [`DeviceInfo`], answered with it.
    DeviceGetInfo = 4,
    /// [`RegionInfo`], answered with it and its capabilities, with a file for what can be mapped.
    GetRegionInfo = 5,
    /// [`IrqInfo`], answered with it.
    GetIrqInfo = 7,
    /// [`SetIrqs`], with eventfds.
    SetIrqs = 8,
    /// [`RegionAccess`], answered with it and the bytes.
    RegionRead = 9,
    /// [`RegionAccess`] and the bytes, answered with it.
    RegionWrite = 10,
    /// Reset the device.
    DeviceReset = 13,
}

impl Command {
    /// Decodes a command number; `None` for one that neither side here speaks.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Version,
            2 => Self::DmaMap,
            3 => Self::DmaUnmap,
            4 => Self::DeviceGetInfo,
            5 => Self::GetRegionInfo,
            7 => Self::GetIrqInfo,
            8 => Self::SetIrqs,
            9 => Self::RegionRead,
            10 => Self::RegionWrite,
            13 => Self::DeviceReset,
            _ => return None,
        })
    }
}

macro_rules! structures {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        impl $name {
            /// Bytes on the wire.
            pub const BYTES: usize = 0 $(+ size_of::<$type>())+;

            /// Appends the bytes on the wire.
            pub fn encode(&self, out: &mut Vec<u8>) {
                $(out.extend_from_slice(&self.$field.to_le_bytes());)+
            }

            /// Reads it from the front of `bytes`; also what is behind it.
            pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
                $(let ($field, bytes) = bytes.split_first_chunk()?;)+
                Some((Self { $($field: <$type>::from_le_bytes(*$field),)+ }, bytes))
            }
        }
    )+};
}

structures! {
    /// In front of every message.
    Header {
        /// Chosen by who commands, repeated in the reply.
        id: u16,
        /// See [`Command`].
        command: u16,
        /// Bytes of the whole message.
        size: u32,
        /// Type and flags.
        flags: u32,
        /// errno of a reply with [`FLAG_ERROR`].
        error: u32,
    }

    /// Version and, behind it, capabilities.
    Version {
        /// See [`MAJOR`].
        major: u16,
        /// See [`MINOR`].
        minor: u16,
    }

    /// Memory that the device may use from now on.
    DmaMap {
        /// Bytes of this structure.
        argsz: u32,
        /// [`DMA_READ`], [`DMA_WRITE`].
        flags: u32,
        /// Where in the file the memory begins.
        offset: u64,
        /// Where the device sees it.
        address: u64,
        /// Bytes.
        size: u64,
    }

    /// Memory that the device must not use from now on.
    DmaUnmap {
        /// Bytes of this structure.
        argsz: u32,
        /// [`DMA_UNMAP_DIRTY_BITMAP`], [`DMA_UNMAP_ALL`].
        flags: u32,
        /// First address.
        address: u64,
        /// Bytes; in the reply, bytes that were mapped.
        size: u64,
    }

    /// What the device has.
    DeviceInfo {
        /// Bytes of this structure.
        argsz: u32,
        /// [`DEVICE_RESET`], [`DEVICE_PCI`].
        flags: u32,
        /// Regions, by index.
        num_regions: u32,
        /// Kinds of interrupt, by index.
        num_irqs: u32,
    }

    /// A region.
    RegionInfo {
        /// Bytes of this structure with its capabilities; in the command, bytes that fit the reply.
        argsz: u32,
        /// [`REGION_READ`] and its like.
        flags: u32,
        /// Which region.
        index: u32,
        /// Where the first capability begins, from the start of this structure.
        cap_offset: u32,
        /// Bytes of the region.
        size: u64,
        /// Where in the region's file it begins.
        offset: u64,
    }

    /// In front of every capability of a region.
    CapabilityHeader {
        /// [`CAP_SPARSE_MMAP`].
        id: u16,
        /// Version of the capability.
        version: u16,
        /// Where the next one begins, from the start of [`RegionInfo`]; 0 for the last.
        next: u32,
    }

    /// Behind the header of [`CAP_SPARSE_MMAP`]: how many [`SparseArea`]s follow.
    SparseMmap {
        /// How many.
        count: u32,
        /// Zero.
        reserved: u32,
    }

    /// A part of a region that can be mapped.
    SparseArea {
        /// Where in the region it begins.
        offset: u64,
        /// Bytes.
        size: u64,
    }

    /// A kind of interrupt.
    IrqInfo {
        /// Bytes of this structure.
        argsz: u32,
        /// [`IRQ_EVENTFD`] and its like.
        flags: u32,
        /// Which kind.
        index: u32,
        /// Vectors of it.
        count: u32,
    }

    /// What becomes of interrupt vectors.
    SetIrqs {
        /// Bytes of this structure and the data behind it.
        argsz: u32,
        /// One `IRQ_DATA_` and one `IRQ_ACTION_`.
        flags: u32,
        /// Which kind.
        index: u32,
        /// First vector.
        start: u32,
        /// Vectors; none of all means all.
        count: u32,
    }

    /// A piece of a region; the bytes are behind it.
    RegionAccess {
        /// Where in the region.
        offset: u64,
        /// Which region.
        region: u32,
        /// Bytes.
        count: u32,
    }
}

const _: () = assert!(Header::BYTES == HEADER_BYTES && RegionInfo::BYTES == 32 && SetIrqs::BYTES == 20);

/// [`DmaMap::flags`]: the device may read.
pub const DMA_READ: u32 = 1;
/// [`DmaMap::flags`]: the device may write.
pub const DMA_WRITE: u32 = 2;
/// [`DmaUnmap::flags`]: say which pages were written.
pub const DMA_UNMAP_DIRTY_BITMAP: u32 = 1;
/// [`DmaUnmap::flags`]: everything; address and size are 0.
pub const DMA_UNMAP_ALL: u32 = 2;

/// [`DeviceInfo::flags`]: it can be reset.
pub const DEVICE_RESET: u32 = 1;
/// [`DeviceInfo::flags`]: it is a PCI function.
pub const DEVICE_PCI: u32 = 2;

/// [`RegionInfo::flags`]: it can be read.
pub const REGION_READ: u32 = 1;
/// [`RegionInfo::flags`]: it can be written.
pub const REGION_WRITE: u32 = 2;
/// [`RegionInfo::flags`]: it can be mapped.
pub const REGION_MMAP: u32 = 4;
/// [`RegionInfo::flags`]: capabilities follow.
pub const REGION_CAPS: u32 = 8;
/// [`CapabilityHeader::id`]: only parts of the region can be mapped.
pub const CAP_SPARSE_MMAP: u16 = 1;

/// [`IrqInfo::flags`]: it is told by eventfd.
pub const IRQ_EVENTFD: u32 = 1;
/// [`IrqInfo::flags`]: vectors are set up all together.
pub const IRQ_NORESIZE: u32 = 8;

/// [`SetIrqs::flags`]: no data.
pub const IRQ_DATA_NONE: u32 = 1;
/// [`SetIrqs::flags`]: a byte for each vector, 0 for "not this one".
pub const IRQ_DATA_BOOL: u32 = 2;
/// [`SetIrqs::flags`]: an eventfd for each vector, or none at all to disconnect them.
pub const IRQ_DATA_EVENTFD: u32 = 4;
/// [`SetIrqs::flags`]: connect, disconnect or raise.
pub const IRQ_ACTION_TRIGGER: u32 = 32;

/// Regions of a PCI function: six BARs, ROM, configuration space, VGA.
pub const PCI_REGIONS: u32 = 9;
/// The region of configuration space.
pub const PCI_CONFIG_REGION: u32 = 7;
/// Kinds of interrupt of a PCI function: INTx, MSI, MSI-X, error, request.
pub const PCI_IRQS: u32 = 5;
/// MSI-X.
pub const PCI_MSIX_IRQ: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_round_trip_and_leave_what_is_behind_them() {
        let access = RegionAccess { offset: 0x1_0000_0002, region: 3, count: 4 };
        let mut bytes = Vec::new();
        access.encode(&mut bytes);
        assert_eq!(bytes.len(), RegionAccess::BYTES);
        bytes.extend_from_slice(b"tail");
        assert_eq!(RegionAccess::decode(&bytes), Some((access, &b"tail"[..])));
        assert_eq!(RegionAccess::decode(&bytes[..RegionAccess::BYTES - 1]), None);
    }

    #[test]
    fn a_header_is_laid_out_as_the_specification_draws_it() {
        let header = Header { id: 0x1122, command: 9, size: 32, flags: TYPE_REPLY | FLAG_ERROR, error: 22 };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        assert_eq!(bytes, [0x22, 0x11, 9, 0, 32, 0, 0, 0, 0x21, 0, 0, 0, 22, 0, 0, 0]);
    }

    #[test]
    fn command_numbers_round_trip() {
        let known = (0..=u16::MAX).filter_map(|code| Command::from_code(code).map(|command| (code, command as u16)));
        let known: Vec<_> = known.collect();
        assert_eq!(known.len(), 10);
        assert!(known.iter().all(|(code, command)| code == command));
    }
}
