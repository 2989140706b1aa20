//! The engine as a PCI function: identity, BARs and where its interrupt vectors are.
//!
//! The register BAR says what the card is ([`crate::geometry`]); this only says how to find it. A board that ships under its maker's
//! ids is added where cards are looked for.
//!
//! Source of the layouts that are not ours: PCI Express Base Specification 6.0, 7.5 (configuration space) and 7.7.2 (MSI-X).

use crate::descriptor::VECTORS;

/// Vendor id. Red Hat's, whose devices `0x10f0` to `0x10ff` are free for experiments without registration
/// (`docs/specs/pci-ids.rst` of QEMU): no board has been given an id of its own yet.
pub const VENDOR_ID: u16 = 0x1af4;
/// Device id, from the experimental range of [`VENDOR_ID`].
pub const DEVICE_ID: u16 = 0x10f0;
/// Class code: network controller, Ethernet.
pub const CLASS_CODE: u32 = 0x02_0000;
/// Subsystem id, `"FL"`; the subsystem's vendor is [`VENDOR_ID`].
pub const SUBSYSTEM_ID: u16 = 0x464c;

/// BAR of the registers ([`crate::regs`]): 64 bits wide, not prefetchable.
pub const REGISTER_BAR: u8 = 0;
/// Its bytes.
pub const REGISTER_BAR_BYTES: usize = crate::regs::BAR_BYTES;
/// BAR of the MSI-X table and pending bits: 64 bits wide, not prefetchable. It has nothing else, so that a hypervisor can keep it for
/// itself and give the register BAR away.
pub const MSIX_BAR: u8 = 2;
/// Its bytes.
pub const MSIX_BAR_BYTES: usize = 0x1000;
/// Where in [`MSIX_BAR`] the table is.
pub const MSIX_TABLE_OFFSET: usize = 0;
/// Bytes of the table: sixteen for each vector.
pub const MSIX_TABLE_BYTES: usize = 16 * VECTORS;
/// Where in [`MSIX_BAR`] the pending bits are.
pub const MSIX_PBA_OFFSET: usize = 0x800;

const _: () = assert!(REGISTER_BAR_BYTES.is_power_of_two() && MSIX_BAR_BYTES.is_power_of_two());
const _: () = assert!(MSIX_TABLE_OFFSET + MSIX_TABLE_BYTES <= MSIX_PBA_OFFSET && MSIX_PBA_OFFSET + 8 <= MSIX_BAR_BYTES);
