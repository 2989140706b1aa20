use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicU16, Ordering};

use fpgaflow_abi::pci::REGISTER_BAR_BYTES;
use fpgaflow_abi::regs;

use super::*;
use crate::shared_mapping::{Protection, SharedMapping};
use crate::transport::config_space::{
    CAP_MSIX, CAPABILITIES, COMMAND, COMMAND_BUS_MASTER, COMMAND_MEMORY, STATUS, STATUS_CAPABILITIES,
};

/// What is called, in order.
type Calls = Arc<Mutex<Vec<String>>>;

/// A door that notes what is called, and refuses what the kernel refuses.
struct Fake {
    calls: Calls,
    bar: DmaBuffer,
    command: AtomicU16,
    connected: Mutex<usize>,
    refuses_unmap: bool,
}

impl Fake {
    fn new() -> (Self, Calls) {
        let calls = Calls::default();
        let bar = DmaBuffer::new(REGISTER_BAR_BYTES).unwrap();
        let fake =
            Self { calls: Arc::clone(&calls), bar, command: AtomicU16::new(0), connected: Mutex::new(0), refuses_unmap: false };
        (fake, calls)
    }

    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

impl ConfigSpace for Fake {
    fn read_u16(&self, offset: u16) -> io::Result<u16> {
        Ok(match offset {
            COMMAND => self.command.load(Ordering::Relaxed),
            STATUS => STATUS_CAPABILITIES,
            CAPABILITIES => 0x40,
            0x40 => CAP_MSIX.into(),
            0x42 => 3,
            _ => 0,
        })
    }

    fn write_u16(&self, offset: u16, value: u16) -> io::Result<()> {
        assert_eq!(offset, COMMAND);
        self.command.store(value, Ordering::Relaxed);
        Ok(())
    }
}

impl Door for Fake {
    fn map_registers(&self) -> io::Result<MappedRegisters> {
        assert_ne!(self.command.load(Ordering::Relaxed) & COMMAND_MEMORY, 0, "a BAR that does not answer");
        MappedRegisters::new(Box::new(SharedMapping::new(self.bar.fd(), 0, REGISTER_BAR_BYTES, Protection::ReadWrite)?))
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        vec![1 << 32..=(1 << 32) + 0x2fff]
    }

    unsafe fn map(&self, iova: u64, buffer: &DmaBuffer) -> io::Result<()> {
        self.note(format!("map {iova:#x} {:#x}", buffer.len_bytes()));
        Ok(())
    }

    fn unmap(&self, iova: u64, len_bytes: usize) -> io::Result<()> {
        self.note(format!("unmap {iova:#x} {len_bytes:#x}"));
        if self.refuses_unmap { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }

    fn enable_msix(&self, eventfds: &[RawFd]) -> io::Result<()> {
        let mut connected = self.connected.lock().unwrap();
        assert_eq!(*connected, 0, "the kernel refuses to connect again");
        *connected = eventfds.len();
        Ok(())
    }

    fn disable_msix(&self) -> io::Result<()> {
        let mut connected = self.connected.lock().unwrap();
        assert_ne!(*connected, 0, "the kernel refuses to disconnect nothing");
        *connected = 0;
        Ok(())
    }

    fn reset(&self) -> io::Result<()> {
        self.note("reset".to_owned());
        self.command.store(0, Ordering::Relaxed);
        Ok(())
    }
}

fn eventfds(count: usize) -> Vec<OwnedFd> {
    (0..count).map(|_| rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap()).collect()
}

#[test]
fn a_card_is_enabled_before_use_and_again_after_a_reset() {
    let (fake, calls) = Fake::new();
    let card = Vfio::new(fake, "pci:test").unwrap();
    let on = COMMAND_MEMORY | COMMAND_BUS_MASTER;
    assert_eq!(card.door.command.load(Ordering::Relaxed) & on, on);
    card.write(BarOffset(regs::SCRATCH), 5).unwrap();
    assert_eq!(card.read(BarOffset(regs::SCRATCH)).unwrap(), 5);
    card.reset().unwrap();
    assert_eq!(card.door.command.load(Ordering::Relaxed) & on, on);
    assert_eq!(*calls.lock().unwrap(), ["reset"]);
}

#[test]
fn memory_is_mapped_where_there_is_room_and_given_back() {
    let (fake, calls) = Fake::new();
    let card = Vfio::new(fake, "pci:test").unwrap();
    let page = Arc::new(DmaBuffer::new(1).unwrap());
    let first = card.dma_map(&page).unwrap();
    let second = card.dma_map(&page).unwrap();
    let full = card.dma_map(&page).unwrap_err();
    assert_eq!(full.to_string(), "map 4096 bytes of DMA memory on card pci:test");
    card.dma_unmap(first).unwrap();
    assert!(card.dma_unmap(first).is_err());
    assert_eq!(card.dma_map(&page).unwrap(), first);
    assert_eq!(Arc::strong_count(&page), 3, "the transport keeps what is mapped");
    let expected = ["map 0x100000000 0x1000", "map 0x100002000 0x1000", "unmap 0x100000000 0x1000", "map 0x100000000 0x1000"];
    assert_eq!(*calls.lock().unwrap(), expected);
    assert_eq!(second, Iova(0x1_0000_2000));
}

#[test]
fn memory_that_the_kernel_does_not_take_back_stays() {
    let (mut fake, _) = Fake::new();
    fake.refuses_unmap = true;
    let card = Vfio::new(fake, "pci:test").unwrap();
    let page = Arc::new(DmaBuffer::new(1).unwrap());
    let iova = card.dma_map(&page).unwrap();
    assert!(card.dma_unmap(iova).is_err());
    assert_eq!(Arc::strong_count(&page), 2);
}

#[test]
fn interrupts_are_connected_as_the_kernel_wants_it() {
    let card = Vfio::new(Fake::new().0, "pci:test").unwrap();
    card.connect_interrupts(Vec::new()).unwrap();
    card.connect_interrupts(eventfds(4)).unwrap();
    card.connect_interrupts(eventfds(2)).unwrap();
    assert_eq!(*card.door.connected.lock().unwrap(), 2);
    assert!(matches!(card.connect_interrupts(eventfds(5)), Err(TransportError::Unsupported { .. })));
    card.connect_interrupts(Vec::new()).unwrap();
    assert_eq!(*card.door.connected.lock().unwrap(), 0);
}

#[test]
fn the_newer_door_is_taken_where_there_is_one() {
    let system = tempfile::tempdir().unwrap();
    let (sysfs, iommufd) = (system.path().join("0000:03:00.0"), system.path().join("iommu"));
    std::fs::create_dir_all(sysfs.join("vfio-dev/vfio0")).unwrap();
    assert!(!has_cdev(&sysfs, &iommufd), "without iommufd");
    std::fs::write(&iommufd, "").unwrap();
    assert!(has_cdev(&sysfs, &iommufd));
    std::fs::remove_dir_all(sysfs.join("vfio-dev/vfio0")).unwrap();
    assert!(!has_cdev(&sysfs, &iommufd), "without a character device");

    assert_eq!(driver_of(&sysfs), None);
    symlink("../../../bus/pci/drivers/vfio-pci", sysfs.join("driver")).unwrap();
    assert_eq!(driver_of(&sysfs).as_deref(), Some("vfio-pci"));
}

#[test]
fn a_function_that_is_not_there_is_named() {
    let nowhere = PciAddress { domain: 0xffff_fffe, bus: 0xff, device: 0x1f, function: 7 };
    let error = open(&nowhere, "pci:fffffffe:ff:1f.7").map(drop).unwrap_err();
    assert_eq!(error.to_string(), "find the PCI function on card pci:fffffffe:ff:1f.7");
}
