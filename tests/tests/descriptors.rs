//! Descriptors that no driver would write: each is answered by a status, changes nothing, and the card works on.
//!
//! Every wrong command aims at the one flow that is installed: were it carried out, or carried out at an index cut to the card's
//! size, the flow would no longer be forwarded as it is.

use std::sync::Arc;

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::{
    CRC_WORDS, Command, DescriptorWords, FLAG_COMPLETE, FrameDescriptor, FrameHead, FrameKind, Ring, Status,
};
use fpgaflow_abi::entry::{Entry, EntryBits};
use fpgaflow_abi::hash::{KeyHash, SECRET_REGS};
use fpgaflow_abi::key::Family;
use fpgaflow_abi::next_hop::{NextHop, NextHopBits, mac_to_int};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{self, Event, FlowCtrl, PortCtrl};
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace, StashSlot};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::{CosimTransport, Width};
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::rings::{Verified, seal};
use fpgaflow_driver::table::FlowTable;
use fpgaflow_driver::transport::Iova;
use fpgaflow_tests::{BareHost, GEOMETRY, Stream, datagram_flow, forwarded, hop, secret, verilated};
use fpgaflow_traffic::{rng, seed};

/// An address at which no memory is.
const NOWHERE: Iova = Iova(0x1000);
/// Clocks in which everything that was begun has ended.
const SETTLE_CLOCKS: u64 = 5_000;
/// What memory holds that the card must leave alone.
const FILLING: u8 = 0xee;
/// Bytes of the buffer that is looked at.
const WATCHED_BYTES: usize = 512;

/// A card with one flow, from port 0 to port 1, and a host that speaks to it word by word.
struct Desk {
    transport: Arc<CosimTransport>,
    host: BareHost,
    flow: Entry,
    hop: NextHop,
    entry: EntryRef,
    /// The slot that names the entry.
    place: SlotPlace,
    hash: KeyHash,
    stream: Stream,
    cookie: u32,
}

impl Desk {
    fn new() -> Self {
        let secret = secret(&mut rng(seed()));
        let transport = verilated(Width::Bits64);
        let mut host = BareHost::new(&transport);
        for i in 0..SECRET_REGS {
            host.write(regs::HASH_SECRET + 4 * i as u32, secret.register(i));
        }
        let mut table = FlowTable::new(&GEOMETRY, secret);
        let mut commands = Vec::new();
        let hop = hop(1);
        let next_hop = table.add_next_hop(hop, &mut commands).expect("an empty table has room");
        let flow = datagram_flow(0, 7, next_hop);
        let [entry] = table.install([flow], Effort::LAST, &mut commands).expect("an empty table has room");
        for command in commands {
            host.post(Ring::Command, command.completing(0).to_words());
            assert_eq!(host.completion().status, Status::Ok);
        }
        for port in 0..GEOMETRY.ports {
            let mac = mac_to_int([2, 0, 0, 0, 0, port]);
            host.write(regs::port(regs::PORT_MAC_LO, port), mac as u32);
            host.write(regs::port(regs::PORT_MAC_HI, port), (mac >> 32) as u32);
            host.write(regs::port(regs::PORT_CTRL, port), PortCtrl::new().with_rx_enable(true).into_bits());
        }
        host.write(regs::FLOW_CTRL, FlowCtrl::new().with_lookup(true).into_bits());
        let (place, _) = table.placement().occupied().next().expect("the flow has a slot");
        let stream = Stream::new(flow.key, MIN_FRAME_BYTES);
        let hash = secret.hash(&flow.key.to_bits());
        let mut desk = Self { transport, host, flow, hop, entry, place, hash, stream, cookie: 0xc0de_0000 };
        desk.forwards();
        desk
    }

    fn run(&self, clocks: u64) {
        self.transport.card().run(clocks);
    }

    /// A frame of the flow goes through as it should, and nothing else comes out.
    #[track_caller]
    fn forwards(&mut self) {
        let packet = self.stream.next_packet();
        self.transport.card().receive(0, packet.to_frame());
        self.run(SETTLE_CLOCKS);
        assert_eq!(self.sent(1), Some(forwarded(&packet, &self.flow.action, &self.hop)), "the flow is no longer forwarded");
        assert_eq!([self.sent(0), self.sent(1)], [None, None], "something left that nobody sent");
    }

    fn sent(&self, port: usize) -> Option<Vec<u8>> {
        self.transport.card().sent(port).map(|frame| frame.bytes)
    }

    /// Posts a descriptor as it is, and returns what the card says.
    #[track_caller]
    fn answer(&mut self, ring: Ring, words: DescriptorWords) -> Verified {
        self.host.post_unsealed(ring, words);
        let verified = self.host.completion();
        assert_eq!(verified.kind as u8, ring as u8 + 1, "the answer is of the ring that was asked");
        verified
    }

    /// A cookie that no descriptor had.
    fn cookie(&mut self) -> u32 {
        self.cookie += 1;
        self.cookie
    }

    /// A command that is not carried out: answered with `status` though it asks for no completion.
    #[track_caller]
    fn refuses(&mut self, what: &str, mut command: Command, status: Status) {
        let cookie = self.cookie();
        command.head.set_cookie(cookie);
        let verified = self.answer(Ring::Command, seal(command.to_words()));
        assert_eq!((verified.status, verified.completion.head.cookie()), (status, cookie), "{what}");
        self.forwards();
    }

    /// The counters of the flow's entry, read by the card.
    fn counters(&mut self) -> CounterRecord {
        let command = Command::read_counters(self.entry, self.host.buffer.iova().0, 1).completing(0);
        assert_eq!(self.answer(Ring::Command, seal(command.to_words())).status, Status::Ok);
        let words = std::array::from_fn(|i| self.host.buffer.buffer().word(8 * i).load(std::sync::atomic::Ordering::Acquire));
        CounterRecord::from_words(words)
    }

    fn fill_buffer(&self) {
        self.host.buffer.buffer().write_bytes(0, &[FILLING; WATCHED_BYTES]);
    }

    fn buffer(&self, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        self.host.buffer.buffer().read_bytes(0, &mut out);
        out
    }

    fn reason(&self, reason: Reason) -> u64 {
        u64::from(self.host.read(regs::reason_counter(reason)))
    }

    fn event(&self) -> Event {
        let event = self.host.read(regs::EVENT);
        self.host.write(regs::EVENT, event);
        Event::from_bits(event)
    }

    /// Everything works: commands, both ways of frames, the flow; and all was counted that went through and nothing else.
    #[track_caller]
    fn check_whole(mut self) {
        self.forwards();
        let record = self.counters();
        let ip_bytes = (MIN_FRAME_BYTES - fpgaflow_abi::wire::ETH_HEADER_BYTES) as u64;
        assert_eq!((record.packets, record.bytes), (self.stream.sent, self.stream.sent * ip_bytes));
        assert_eq!(self.reason(Reason::Forwarded), self.stream.sent);

        let stranger = Stream::new(datagram_flow(0, 99, 0).key, 200).next_frame();
        let buffer = self.empty_buffer(1518, self.host.buffer.iova());
        self.host.post(Ring::FrameToHost, buffer.to_words());
        self.transport.card().receive(0, stranger.clone());
        let verified = self.host.completion();
        assert_eq!((verified.status, verified.completion.head.reason()), (Status::Ok, Reason::Miss as u8));
        assert_eq!(self.buffer(stranger.len()), stranger);

        let send = self.frame_to(0, stranger.len() as u32, self.host.buffer.iova());
        self.host.post(Ring::FrameToCard, send.to_words());
        assert_eq!(self.host.completion().status, Status::Ok);
        self.run(SETTLE_CLOCKS);
        assert_eq!([self.sent(0), self.sent(1)], [Some(stranger), None]);
    }

    fn empty_buffer(&mut self, length: u32, iova: Iova) -> FrameDescriptor {
        let head = FrameHead::new().with_kind(FrameKind::Buffer as u8).with_flags(FLAG_COMPLETE).with_cookie(self.cookie());
        FrameDescriptor { head, length, iova: iova.0 }
    }

    fn frame_to(&mut self, port: u8, length: u32, iova: Iova) -> FrameDescriptor {
        let head = FrameHead::new()
            .with_kind(FrameKind::Send as u8)
            .with_port(port)
            .with_flags(FLAG_COMPLETE)
            .with_cookie(self.cookie());
        FrameDescriptor { head, length, iova: iova.0 }
    }
}

#[test]
fn a_command_whose_crc_is_wrong_is_not_carried_out() {
    let mut desk = Desk::new();
    let harmful = [
        Command::write_slot(desk.place, Slot::new()),
        Command::write_entry(desk.entry, &EntryBits::default(), 0),
        Command::write_next_hop(desk.flow.action.next_hop.into(), &NextHopBits::default()),
        Command::write_stash(0, StashSlot::new(desk.hash, EntryRef::new().with_index(1))),
        Command::clear_counters(desk.entry),
    ];
    for command in harmful {
        let sealed = seal(command.completing(1).to_words());
        // A bit of every word that the CRC covers, then of the CRC itself.
        for word in 0..=CRC_WORDS {
            for bit in [0, 17, 31] {
                let mut words = sealed;
                words[word] ^= 1 << bit;
                assert_eq!(desk.answer(Ring::Command, words).status, Status::BadCrc, "{command:?}, word {word}, bit {bit}");
            }
        }
        // As the DMA of a host without memory protection might find it.
        for words in [[0; 8], [u64::MAX; 8]] {
            assert_eq!(desk.answer(Ring::Command, words).status, Status::BadCrc);
        }
        desk.forwards();
    }
    desk.check_whole();
}

#[test]
fn a_command_that_does_not_exist_is_refused() {
    let mut desk = Desk::new();
    for opcode in (8..=u8::MAX).step_by(13).chain([8, 0x10, 0x11, 0x81, u8::MAX]) {
        let mut command = Command::write_slot(desk.place, Slot::new());
        command.head.set_opcode(opcode);
        desk.refuses("an opcode that does not exist", command, Status::BadOpcode);
    }
    for part in [1, 2, 3, u8::MAX] {
        let mut command = Command::write_entry(desk.entry, &EntryBits::default(), 0);
        command.head.set_part(part);
        desk.refuses("a part that an IPv4 entry does not have", command, Status::BadOpcode);
    }
    desk.check_whole();
}

#[test]
fn an_index_that_the_card_does_not_have_is_refused_and_not_cut_short() {
    let mut desk = Desk::new();
    let aliases = |index: u32, size: u32| [size, 1 << 24, 1 << 31].map(|beyond| index.wrapping_add(beyond));
    for index in aliases(desk.place.index(), GEOMETRY.slots()) {
        desk.refuses("a slot", Command::write_slot(SlotPlace::from_index(index), Slot::new()), Status::BadIndex);
    }
    let steals = StashSlot::new(desk.hash, EntryRef::new().with_index(1));
    for index in aliases(0, GEOMETRY.stash.into()) {
        desk.refuses("a stash slot", Command::write_stash(index, steals), Status::BadIndex);
    }
    for index in aliases(desk.flow.action.next_hop.into(), GEOMETRY.next_hops) {
        desk.refuses("a next hop", Command::write_next_hop(index, &NextHopBits::default()), Status::BadIndex);
    }
    let beyond = EntryRef::new().with_index(desk.entry.index() + GEOMETRY.entries_v4);
    let beyond_v6 = EntryRef::of(Family::V6, desk.entry.index() + GEOMETRY.entries_v6);
    for entry in [beyond, beyond_v6] {
        desk.refuses("an entry", Command::write_entry(entry, &EntryBits::default(), 0), Status::BadIndex);
        desk.refuses("counters to clear", Command::clear_counters(entry), Status::BadIndex);
        let buffer = desk.host.buffer.iova().0;
        desk.refuses("counters to read", Command::read_counters(entry, buffer, 1), Status::BadIndex);
    }
    desk.check_whole();
}

#[test]
fn counters_that_cannot_be_read_or_stored_are_answered() {
    let mut desk = Desk::new();
    desk.fill_buffer();
    let buffer = desk.host.buffer.iova().0;
    let all = GEOMETRY.entries_v4;
    desk.refuses("no records", Command::read_counters(desk.entry, buffer, 0), Status::BadLength);
    let last = EntryRef::new().with_index(all - 1);
    for (first, count) in [(last, 2), (desk.entry, all + 1), (desk.entry, u32::MAX)] {
        desk.refuses("records beyond the last entry", Command::read_counters(first, buffer, count), Status::BadIndex);
    }
    assert_eq!(desk.event(), Event::new(), "up to here the bus had nothing to complain of");
    let end = buffer + desk.host.buffer.buffer().len_bytes() as u64;
    for (address, count) in [(NOWHERE.0, 1), (NOWHERE.0, 200), (!63, 3), (end - RECORD_BYTES as u64, 2)] {
        desk.refuses("records to where no memory is", Command::read_counters(desk.entry, address, count), Status::BusError);
        assert_eq!(desk.event(), Event::new().with_command(true));
    }
    assert_eq!(desk.buffer(WATCHED_BYTES), [FILLING; WATCHED_BYTES], "nothing was written to the start of the buffer");
    desk.check_whole();
}

#[test]
fn a_buffer_that_is_none_is_answered_and_costs_no_frame() {
    let mut desk = Desk::new();
    desk.fill_buffer();
    let iova = desk.host.buffer.iova();
    let good = desk.empty_buffer(1518, iova).to_words();
    for word in 0..=CRC_WORDS {
        let mut words = seal(good);
        words[word] ^= 1 << 3;
        assert_eq!(desk.answer(Ring::FrameToHost, words).status, Status::BadCrc, "word {word}");
    }
    for kind in [0, 1, FrameKind::Send as u8, 0x12, u8::MAX] {
        let mut descriptor = desk.empty_buffer(1518, iova);
        descriptor.head.set_kind(kind);
        assert_eq!(desk.answer(Ring::FrameToHost, seal(descriptor.to_words())).status, Status::BadOpcode, "kind {kind:#x}");
    }
    assert_eq!(desk.buffer(WATCHED_BYTES), [FILLING; WATCHED_BYTES]);
    assert_eq!(desk.reason(Reason::HostFull), 0);
    desk.check_whole();
}

#[test]
fn a_buffer_too_small_costs_the_frame_and_is_not_overrun() {
    let mut desk = Desk::new();
    desk.fill_buffer();
    let iova = desk.host.buffer.iova();
    let frame = Stream::new(datagram_flow(0, 99, 0).key, 200).next_frame();
    let lengths = [0, 1, 64, frame.len() as u32 - 1];
    for length in lengths {
        let descriptor = desk.empty_buffer(length, iova);
        desk.host.post(Ring::FrameToHost, descriptor.to_words());
        desk.transport.card().receive(0, frame.clone());
        assert_eq!(desk.host.completion().status, Status::BadLength, "a buffer of {length} bytes");
        assert_eq!(desk.buffer(WATCHED_BYTES), [FILLING; WATCHED_BYTES], "a buffer of {length} bytes");
        desk.forwards();
    }
    assert_eq!(desk.reason(Reason::HostFull), lengths.len() as u64);
    // One that says more than there is memory for is used as far as the frame needs it.
    let descriptor = desk.empty_buffer(u32::MAX, iova);
    desk.host.post(Ring::FrameToHost, descriptor.to_words());
    desk.transport.card().receive(0, frame.clone());
    assert_eq!(desk.host.completion().status, Status::Ok);
    assert_eq!(desk.buffer(frame.len() + 8)[..], [&frame[..], &[FILLING; 8]].concat()[..], "and not a byte further");
    desk.check_whole();
}

#[test]
fn a_buffer_where_no_memory_is_is_answered() {
    let mut desk = Desk::new();
    let frame = Stream::new(datagram_flow(0, 99, 0).key, 200).next_frame();
    let end = desk.host.buffer.iova().0 + desk.host.buffer.buffer().len_bytes() as u64;
    for iova in [NOWHERE, Iova(0), Iova(!63), Iova(end), Iova(end - 64)] {
        let descriptor = desk.empty_buffer(1518, iova);
        desk.host.post(Ring::FrameToHost, descriptor.to_words());
        desk.transport.card().receive(0, frame.clone());
        assert_eq!(desk.host.completion().status, Status::BusError, "a buffer at {iova:?}");
        assert_eq!(desk.event(), Event::new().with_frame_to_host(true));
        desk.forwards();
    }
    desk.check_whole();
}

#[test]
fn a_frame_that_may_not_be_sent_is_answered_and_never_leaves() {
    let mut desk = Desk::new();
    let iova = desk.host.buffer.iova();
    let sealed = seal(desk.frame_to(1, 100, iova).to_words());
    for word in 0..=CRC_WORDS {
        let mut words = sealed;
        words[word] ^= 1 << 5;
        assert_eq!(desk.answer(Ring::FrameToCard, words).status, Status::BadCrc, "word {word}");
    }
    for kind in [0, 1, FrameKind::Buffer as u8, 0x12, u8::MAX] {
        let mut descriptor = desk.frame_to(1, 100, iova);
        descriptor.head.set_kind(kind);
        assert_eq!(desk.answer(Ring::FrameToCard, seal(descriptor.to_words())).status, Status::BadOpcode, "kind {kind:#x}");
    }
    for port in [GEOMETRY.ports, GEOMETRY.ports + 1, 15, 16, 0x81, u8::MAX] {
        let words = desk.frame_to(port, 100, iova).to_words();
        assert_eq!(desk.answer(Ring::FrameToCard, seal(words)).status, Status::BadIndex, "port {port}");
    }
    for length in [0, GEOMETRY.max_frame_bytes + 1, 1 << 14 | 100, 1 << 16 | 100, 1 << 31 | 100, u32::MAX] {
        let words = desk.frame_to(1, length, iova).to_words();
        assert_eq!(desk.answer(Ring::FrameToCard, seal(words)).status, Status::BadLength, "{length} bytes");
    }
    assert_eq!(desk.event(), Event::new());
    let end = iova.0 + desk.host.buffer.buffer().len_bytes() as u64;
    // The last begins where there is memory, and ends where there is none.
    for from in [NOWHERE, Iova(0), Iova(!63), Iova(end), Iova(end - 64)] {
        let words = desk.frame_to(1, 1000, from).to_words();
        assert_eq!(desk.answer(Ring::FrameToCard, seal(words)).status, Status::BusError, "a frame at {from:?}");
        assert_eq!(desk.event(), Event::new().with_frame_to_card(true));
    }
    desk.run(SETTLE_CLOCKS);
    desk.check_whole();
}

#[test]
fn a_producer_counter_that_lies_costs_only_its_ring() {
    let mut desk = Desk::new();
    for ring in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
        // Old descriptors would be carried out again, for they are right; where none was, zeros are not.
        desk.host.restart_rings();
        // Far more than the ring holds, and one behind where it is: 2^32 - 1 descriptors that never were.
        for producer in [1_000, u32::MAX] {
            desk.host.write(regs::ring(regs::RING_PRODUCER, ring), producer);
            desk.forwards();
            desk.host.restart_rings();
            desk.forwards();
        }
    }
    desk.check_whole();
}

#[test]
fn a_consumer_counter_that_lies_costs_only_completions() {
    let mut desk = Desk::new();
    for consumer in [1, 1_000, 1 << 31, u32::MAX] {
        desk.host.write(regs::ring(regs::RING_CONSUMER, Ring::Completion), consumer);
        desk.host.post(Ring::Command, Command::nop().completing(1).to_words());
        desk.forwards();
        desk.host.restart_rings();
        desk.forwards();
    }
    desk.check_whole();
}

#[test]
fn a_ring_where_no_memory_is_says_so_and_can_be_put_right() {
    let mut desk = Desk::new();
    let events = [
        (Ring::Command, Event::new().with_command(true)),
        (Ring::FrameToHost, Event::new().with_frame_to_host(true)),
        (Ring::FrameToCard, Event::new().with_frame_to_card(true)),
        (Ring::Completion, Event::new().with_completion(true)),
    ];
    for (ring, event) in events {
        desk.host.set_base(ring, NOWHERE);
        if ring == Ring::Completion {
            desk.host.post(Ring::Command, Command::nop().completing(1).to_words());
            assert!(desk.host.completion_within(SETTLE_CLOCKS).is_none(), "it has no place to go to");
        } else {
            // It never gets to read what this would do.
            desk.host.post(ring, Command::write_slot(desk.place, Slot::new()).to_words());
            assert_eq!(desk.host.completion().status, Status::BusError, "{ring:?}");
        }
        assert_eq!(desk.event(), event);
        desk.forwards();
        desk.host.restart_rings();
        desk.forwards();
    }
    desk.check_whole();
}
