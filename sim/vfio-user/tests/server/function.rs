//! What a client such as QEMU does with the function, and what it finds.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use crate::client::{Raw, Served, bytes_of, write_payload};
use fpgaflow_abi::descriptor::{Ring, VECTORS, Vector};
use fpgaflow_abi::regs::{self, Event, RingCtrl};
use fpgaflow_abi::{MAGIC, pci};
use fpgaflow_driver::dma::{DmaBuffer, PAGE_BYTES};
use fpgaflow_driver::transport::config_space::{
    CAP_PCI_EXPRESS, COMMAND, COMMAND_BUS_MASTER, COMMAND_MEMORY, ConfigSpace, find_capability, msix_vectors,
};
use fpgaflow_driver::transport::vfio_user::protocol::*;
use rustix::event::{EventfdFlags, eventfd};

const PAGE: u64 = PAGE_BYTES as u64;
const REGISTERS: u32 = pci::REGISTER_BAR as u32;
const MSIX: u32 = pci::MSIX_BAR as u32;
const EINVAL: u32 = 22;
const EEXIST: u32 = 17;

fn enable(raw: &mut Raw, bits: u16) {
    raw.write(PCI_CONFIG_REGION, COMMAND.into(), &bits.to_le_bytes()).unwrap();
}

fn register(raw: &mut Raw, offset: u32) -> u32 {
    u32::from_le_bytes(raw.read(REGISTERS, offset.into(), 4).unwrap().try_into().unwrap())
}

fn set_register(raw: &mut Raw, offset: u32, value: u32) {
    raw.write(REGISTERS, offset.into(), &value.to_le_bytes()).unwrap();
}

fn map(raw: &mut Raw, buffer: Option<&DmaBuffer>, map: DmaMap) -> Result<(), u32> {
    let fds: Vec<_> = buffer.iter().map(|buffer| buffer.fd()).collect();
    raw.command(Command::DmaMap, &bytes_of(|out| map.encode(out)), &fds).map(drop)
}

fn unmap(raw: &mut Raw, unmap: DmaUnmap) -> Result<u64, u32> {
    let reply = raw.command(Command::DmaUnmap, &bytes_of(|out| unmap.encode(out)), &[])?;
    Ok(DmaUnmap::decode(&reply).unwrap().0.size)
}

fn at(address: u64, size: u64, offset: u64) -> DmaMap {
    DmaMap { argsz: DmaMap::BYTES as u32, flags: DMA_READ | DMA_WRITE, offset, address, size }
}

/// Has the card fetch a descriptor of the command ring from `address`.
fn fetch_command(raw: &mut Raw, served: &Served, address: u64) {
    for (register, value) in [
        (regs::RING_BASE_LO, address as u32),
        (regs::RING_BASE_HI, (address >> 32) as u32),
        (regs::RING_SIZE, 4),
        (regs::RING_CTRL, RingCtrl::new().with_enable(true).into_bits()),
        (regs::RING_PRODUCER, 1),
    ] {
        set_register(raw, regs::ring(register, Ring::Command), value);
    }
    served.card.card().run(2_000);
}

struct Config<'a>(std::cell::RefCell<&'a mut Raw>);

impl ConfigSpace for Config<'_> {
    fn read_u16(&self, offset: u16) -> std::io::Result<u16> {
        let bytes = self.0.borrow_mut().read(PCI_CONFIG_REGION, offset.into(), 2).unwrap();
        Ok(u16::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn write_u16(&self, _: u16, _: u16) -> std::io::Result<()> {
        unreachable!("capabilities are only read")
    }
}

#[test]
fn a_client_finds_a_function_with_msix_and_reset() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let device = raw.command(Command::DeviceGetInfo, &[], &[]).unwrap();
    let device = DeviceInfo::decode(&device).unwrap().0;
    assert_eq!((device.flags, device.num_regions, device.num_irqs), (DEVICE_PCI | DEVICE_RESET, PCI_REGIONS, PCI_IRQS));
    let mut sizes = Vec::new();
    for index in 0..PCI_REGIONS {
        let asked = bytes_of(|out| RegionInfo { index, ..RegionInfo::default() }.encode(out));
        let region = raw.command(Command::GetRegionInfo, &asked, &[]).unwrap();
        sizes.push(RegionInfo::decode(&region).unwrap().0.size);
    }
    assert_eq!(sizes, [pci::REGISTER_BAR_BYTES as u64, 0, pci::MSIX_BAR_BYTES as u64, 0, 0, 0, 0, 4096, 0]);
    let asked = bytes_of(|out| IrqInfo { index: PCI_MSIX_IRQ, ..IrqInfo::default() }.encode(out));
    let irqs = raw.command(Command::GetIrqInfo, &asked, &[]).unwrap();
    assert_eq!(IrqInfo::decode(&irqs).unwrap().0.count, VECTORS as u32);

    let config = Config(std::cell::RefCell::new(&mut raw));
    assert_eq!(msix_vectors(&config).unwrap(), VECTORS);
    assert!(find_capability(&config, CAP_PCI_EXPRESS).unwrap().is_some());
}

#[test]
fn registers_answer_only_when_the_function_is_told_to() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    assert_eq!(register(&mut raw, regs::MAGIC), u32::MAX);
    enable(&mut raw, COMMAND_MEMORY);
    assert_eq!(register(&mut raw, regs::MAGIC), MAGIC);
    // Any part of a register, and several at once.
    assert_eq!(raw.read(REGISTERS, u64::from(regs::MAGIC) + 1, 2).unwrap(), MAGIC.to_le_bytes()[1..3]);
    let two = raw.read(REGISTERS, regs::MAGIC.into(), 8).unwrap();
    assert_eq!(two[..4], MAGIC.to_le_bytes());
    assert_eq!(two[4..], fpgaflow_abi::ABI_VERSION.to_le_bytes());
    // A posted write has no answer, and is done before what comes after it.
    raw.post(Command::RegionWrite, &write_payload(REGISTERS, regs::SCRATCH.into(), &[1, 2, 3, 4]));
    assert_eq!(register(&mut raw, regs::SCRATCH), 0x0403_0201);
    assert_eq!(raw.write(REGISTERS, regs::SCRATCH.into(), &[1, 2]), Err(EINVAL), "half a register");
    for (region, offset, count) in [
        (REGISTERS, pci::REGISTER_BAR_BYTES as u64 - 2, 4),
        (REGISTERS, u64::MAX, 4),
        (1, 0, 4),
        (100, 0, 4),
        (REGISTERS, 0, u32::MAX),
    ] {
        assert_eq!(raw.read(region, offset, count), Err(EINVAL), "{count} bytes at {offset:#x} of region {region}");
    }
}

#[test]
fn the_msix_table_keeps_what_is_written_and_nothing_around_it_does() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    enable(&mut raw, COMMAND_MEMORY);
    raw.write(MSIX, 0, &[0xa5; pci::MSIX_BAR_BYTES]).unwrap();
    let bytes = raw.read(MSIX, 0, pci::MSIX_BAR_BYTES as u32).unwrap();
    let (table, rest) = bytes.split_at(pci::MSIX_TABLE_BYTES);
    assert!(table.iter().all(|byte| *byte == 0xa5) && rest.iter().all(|byte| *byte == 0));
}

#[test]
fn both_resets_empty_the_registers_and_keep_memory_and_interrupts() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let buffer = DmaBuffer::new(PAGE_BYTES).unwrap();
    map(&mut raw, Some(&buffer), at(PAGE, PAGE, 0)).unwrap();
    let express = find_capability(&Config(std::cell::RefCell::new(&mut raw)), CAP_PCI_EXPRESS).unwrap().unwrap();
    for by_message in [true, false] {
        enable(&mut raw, COMMAND_MEMORY);
        set_register(&mut raw, regs::SCRATCH, 77);
        if by_message {
            raw.command(Command::DeviceReset, &[], &[]).unwrap();
        } else {
            raw.write(PCI_CONFIG_REGION, u64::from(express) + 8, &(1_u16 << 15).to_le_bytes()).unwrap();
        }
        assert_eq!(register(&mut raw, regs::SCRATCH), u32::MAX, "its BARs are off");
        enable(&mut raw, COMMAND_MEMORY);
        assert_eq!(register(&mut raw, regs::SCRATCH), 0);
        assert_eq!(served.card.card().mappings(), 1);
    }
}

#[test]
fn memory_is_taken_page_by_page_and_given_back_in_any_size() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let buffer = DmaBuffer::new(4 * PAGE_BYTES).unwrap();
    for page in 0..4 {
        map(&mut raw, Some(&buffer), at((1 << 40) + page * PAGE, PAGE, (3 - page) * PAGE)).unwrap();
    }
    assert_eq!(map(&mut raw, Some(&buffer), at((1 << 40) + PAGE, PAGE, 0)), Err(EEXIST));
    // Memory that only the client can reach, as a ROM: named, and of no use to the card.
    map(&mut raw, None, at(0xfffc_0000, 0x4_0000, 0)).unwrap();
    assert_eq!(served.card.card().mappings(), 4);
    for bad in [at(2, PAGE, 0), at(0, 0, 0), at(u64::MAX - PAGE + 2, PAGE, 0), at(1 << 41, PAGE, 1), at(1 << 41, 8 * PAGE, 0)] {
        assert_eq!(map(&mut raw, Some(&buffer), bad), Err(EINVAL), "{bad:?}");
    }
    assert_eq!(unmap(&mut raw, DmaUnmap { address: 1 << 40, size: 2 * PAGE, ..DmaUnmap::default() }), Ok(2 * PAGE));
    assert_eq!(unmap(&mut raw, DmaUnmap { address: 0xfffc_0000, size: 0x4_0000, ..DmaUnmap::default() }), Ok(0));
    assert_eq!(unmap(&mut raw, DmaUnmap { address: (1 << 40) + 2 * PAGE + 8, size: PAGE, ..DmaUnmap::default() }), Err(EINVAL));
    // As a guest's IOMMU does before it is set up.
    assert_eq!(unmap(&mut raw, DmaUnmap { address: 1 << 63, size: 1 << 63, ..DmaUnmap::default() }), Ok(0));
    assert_eq!(unmap(&mut raw, DmaUnmap { flags: DMA_UNMAP_ALL, ..DmaUnmap::default() }), Ok(2 * PAGE));
    assert_eq!(served.card.card().mappings(), 0);
}

#[test]
fn memory_out_of_reach_is_a_fault_and_an_event() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let buffer = DmaBuffer::new(PAGE_BYTES).unwrap();
    map(&mut raw, Some(&buffer), at(1 << 40, PAGE, 0)).unwrap();
    enable(&mut raw, COMMAND_MEMORY | COMMAND_BUS_MASTER);
    fetch_command(&mut raw, &served, 1 << 40);
    assert_eq!(served.card.card().bus_faults(), 0);
    // Not bus master.
    raw.command(Command::DeviceReset, &[], &[]).unwrap();
    enable(&mut raw, COMMAND_MEMORY);
    fetch_command(&mut raw, &served, 1 << 40);
    let without_master = served.card.card().bus_faults();
    assert_ne!(without_master, 0);
    assert!(Event::from_bits(register(&mut raw, regs::EVENT)).command());
    // Not mapped.
    raw.command(Command::DeviceReset, &[], &[]).unwrap();
    enable(&mut raw, COMMAND_MEMORY | COMMAND_BUS_MASTER);
    fetch_command(&mut raw, &served, 1 << 41);
    assert!(served.card.card().bus_faults() > without_master);
    assert!(Event::from_bits(register(&mut raw, regs::EVENT)).command());
}

#[test]
fn memory_to_be_read_only_is_not_written() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let (commands, completions) = (DmaBuffer::new(PAGE_BYTES).unwrap(), DmaBuffer::new(PAGE_BYTES).unwrap());
    completions.word(0).store(0x5a5a, Ordering::Relaxed);
    map(&mut raw, Some(&commands), at(1 << 40, PAGE, 0)).unwrap();
    map(&mut raw, Some(&completions), DmaMap { flags: DMA_READ, ..at(1 << 41, PAGE, 0) }).unwrap();
    enable(&mut raw, COMMAND_MEMORY | COMMAND_BUS_MASTER);
    for (register, value) in [
        (regs::RING_BASE_LO, 0),
        (regs::RING_BASE_HI, 1 << (41 - 32)),
        (regs::RING_SIZE, 4),
        (regs::RING_CTRL, RingCtrl::new().with_enable(true).into_bits()),
    ] {
        set_register(&mut raw, regs::ring(register, Ring::Completion), value);
    }
    // A descriptor of zeros has a wrong CRC, which completes.
    fetch_command(&mut raw, &served, 1 << 40);
    assert_ne!(served.card.card().bus_faults(), 0);
    assert!(Event::from_bits(register(&mut raw, regs::EVENT)).completion());
    assert_eq!(completions.word(0).load(Ordering::Relaxed), 0x5a5a);
}

#[test]
fn vectors_are_connected_one_at_a_time_after_none_at_all() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
    let mut set = |flags, start, count, with: bool| {
        let set = SetIrqs { argsz: SetIrqs::BYTES as u32, flags: flags | IRQ_ACTION_TRIGGER, index: PCI_MSIX_IRQ, start, count };
        let fds = if with { vec![eventfd.as_fd()] } else { Vec::new() };
        raw.command(Command::SetIrqs, &bytes_of(|out| set.encode(out)), &fds).map(drop)
    };
    let raised = || {
        let mut count = [0; 8];
        rustix::io::read(&eventfd, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
    };
    let vector = Vector::Event as u32;
    set(IRQ_DATA_EVENTFD, 0, 1, false).unwrap();
    set(IRQ_DATA_NONE, vector, 1, false).unwrap();
    assert_eq!(raised(), 0);
    set(IRQ_DATA_EVENTFD, vector, 1, true).unwrap();
    set(IRQ_DATA_NONE, vector, 1, false).unwrap();
    assert_eq!(raised(), 1);
    set(IRQ_DATA_NONE, 0, VECTORS as u32, false).unwrap();
    assert_eq!(raised(), 1, "one of them is connected");
    assert_eq!(set(IRQ_DATA_EVENTFD, VECTORS as u32, 1, true), Err(EINVAL));
    assert_eq!(set(IRQ_DATA_EVENTFD, 0, 2, true), Err(EINVAL), "one for two");
    assert_eq!(set(IRQ_DATA_EVENTFD, u32::MAX, 2, true), Err(EINVAL));
    set(IRQ_DATA_NONE, 0, 0, false).unwrap();
    set(IRQ_DATA_NONE, vector, 1, false).unwrap();
    assert_eq!(raised(), 0, "disconnected");
}

#[test]
fn a_descriptor_that_could_hold_the_card_up_is_refused() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    let blocking = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let flags = IRQ_DATA_EVENTFD | IRQ_ACTION_TRIGGER;
    let set = SetIrqs { argsz: SetIrqs::BYTES as u32, flags, index: PCI_MSIX_IRQ, start: 0, count: 1 };
    let refused = raw.command(Command::SetIrqs, &bytes_of(|out| set.encode(out)), &[blocking.as_fd()]);
    assert_eq!(refused.map(drop), Err(EINVAL));
}
