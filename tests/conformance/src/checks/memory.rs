//! Memory that the card may use, and memory that it may not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::{Command, Status};
use fpgaflow_abi::regs::{self, Event};
use fpgaflow_abi::wire::PROTO_UDP;
use fpgaflow_driver::dma::{DmaBuffer, HUGE_PAGE_BYTES, PAGE_BYTES};
use fpgaflow_driver::mapping::Mapping;
use fpgaflow_driver::transport::{BarOffset, Iova, Transport, TransportError};
use fpgaflow_traffic::Packet;

use crate::failure::{Failure, equal};
use crate::host::{Arrival, Host, translated};

/// What memory holds before the card is asked to write it.
const UNTOUCHED: u64 = 0x5a5a_a5a5_5a5a_a5a5;

fn buffer(len_bytes: usize) -> Result<Arc<DmaBuffer>, Failure> {
    let made = DmaBuffer::new(len_bytes).map_err(|source| Failure::Io { operation: "allocate DMA memory", source })?;
    for offset in (0..made.len_bytes()).step_by(8) {
        made.word(offset).store(UNTOUCHED, Ordering::Relaxed);
    }
    Ok(Arc::new(made))
}

/// Buffers of many sizes, none over another; a second unmapping is refused.
pub(super) fn map_and_unmap(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    transport.reset()?;
    let buffers = [1, PAGE_BYTES, 3 * PAGE_BYTES, HUGE_PAGE_BYTES + 1, PAGE_BYTES].map(buffer);
    let mut mapped = Vec::new();
    for buffer in buffers {
        let buffer = buffer?;
        mapped.push((transport.dma_map(&buffer)?, buffer.len_bytes() as u64));
    }
    mapped.sort_unstable();
    for pair in mapped.windows(2) {
        let ((Iova(first), len_bytes), (Iova(second), _)) = (pair[0], pair[1]);
        equal("a mapping ends before the next", first + len_bytes <= second, true)?;
    }
    for (iova, _) in mapped {
        equal("addresses are those of pages", iova.0 % PAGE_BYTES as u64, 0)?;
        transport.dma_unmap(iova)?;
        let again = transport.dma_unmap(iova);
        equal("unmapping what is not mapped is refused", matches!(again, Err(TransportError::Io { .. })), true)?;
    }
    Ok(())
}

/// Pages may be mapped one by one behind the card's back; a record across two of them shows whether it minds.
pub(super) fn across_pages(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = Host::open(transport)?;
    host.add_next_hops()?;
    let flow = translated(0, PROTO_UDP, 1);
    let entry = host.install(flow)?;
    host.exchange(vec![(0, Packet::new(flow.key, vec![7; 100]).to_frame())], Arrival::InOrder)?;
    let memory = Mapping::new(transport, 2 * PAGE_BYTES)?;
    for offset in (0..memory.buffer().len_bytes()).step_by(8) {
        memory.buffer().word(offset).store(UNTOUCHED, Ordering::Relaxed);
    }
    let at = PAGE_BYTES - RECORD_BYTES / 2;
    host.execute(vec![Command::read_counters(entry, memory.iova().0 + at as u64, 1)])?;
    let word = |offset| memory.buffer().word(offset).load(Ordering::Acquire);
    let record = CounterRecord::from_words(std::array::from_fn(|i| word(at + 8 * i)));
    let expected = host.golden.flow_counters(entry).unwrap_or_default();
    equal("the record", (record.packets, record.bytes), (expected.packets, expected.bytes))?;
    let around = (0..at).chain(at + RECORD_BYTES..2 * PAGE_BYTES).step_by(8);
    let touched: Vec<usize> = around.filter(|offset| word(offset & !7) != UNTOUCHED).collect();
    equal("what was written around the record", touched, Vec::new())
}

/// Memory that was mapped, and is not any more. The card is told to write it; the memory is still there to look at.
///
/// A write on PCI Express is posted: an IOMMU that stops it tells the kernel, never the card. So the card may believe that it wrote; one
/// that hears of the error must say so, in the completion and by its event.
pub(super) fn unmapped(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = Host::open(transport)?;
    let flow = translated(0, PROTO_UDP, 1);
    host.add_next_hops()?;
    let entry = host.install(flow)?;
    let memory = buffer(PAGE_BYTES)?;
    let iova = transport.dma_map(&memory)?;
    host.execute(vec![Command::read_counters(entry, iova.0, 1)])?;
    equal("memory that is mapped", memory.word(0).load(Ordering::Acquire), 0)?;
    memory.word(0).store(UNTOUCHED, Ordering::Relaxed);

    transport.dma_unmap(iova)?;
    let status = host.try_execute(Command::read_counters(entry, iova.0, 1))?;
    equal("memory that is not mapped any more", memory.word(0).load(Ordering::Acquire), UNTOUCHED)?;
    if status != Status::Ok {
        equal("a command that names memory that is not mapped", status, Status::BusError)?;
        host.await_event("the event of a bus error")?;
        let event = transport.read(BarOffset(regs::EVENT))?;
        equal("EVENT", Event::from_bits(event), Event::new().with_command(true))?;
        transport.write(BarOffset(regs::EVENT), event)?;
    }
    equal("EVENT, taken", transport.read(BarOffset(regs::EVENT))?, 0)?;
    // Nothing remembers where the address led to.
    let other = buffer(PAGE_BYTES)?;
    let iova = transport.dma_map(&other)?;
    host.execute(vec![Command::read_counters(entry, iova.0, 1)])?;
    equal("memory that is mapped instead", other.word(0).load(Ordering::Acquire), 0)?;
    equal("memory that is not mapped any more", memory.word(0).load(Ordering::Acquire), UNTOUCHED)?;
    transport.dma_unmap(iova)?;
    // And it goes on.
    host.exchange(vec![(0, Packet::new(flow.key, vec![7; 100]).to_frame())], Arrival::InOrder)
}
