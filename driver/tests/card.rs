//! Register and descriptor sequences of a card's life, and what the driver does about a card that misbehaves.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::descriptor::{Command, Opcode, Ring, Status, Vector};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{self, Event, FlowCtrl, Parity, TableRow};
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace};
use fpgaflow_driver::card::{Card, CardError, CommandEvent, Events, Options, PortSettings, Sent};
use fpgaflow_driver::rings::RingError;
use fpgaflow_driver::transport::{Transport, TransportError};
use support::{Access, Fault, GEOMETRY, ModelCard};

const SECRET: HashSecret = HashSecret([1, 2, 3, 4, 5, 6, 7]);

const SMALL: Options = Options {
    command_bits: 3,
    to_host_bits: 2,
    to_card_bits: 2,
    irq_moderation_clocks: 100,
    command_timeout: Duration::from_millis(50),
};

fn open() -> (Arc<ModelCard>, Card) {
    let model = ModelCard::new(GEOMETRY);
    let card = Card::open(Arc::clone(&model) as Arc<dyn Transport>, SECRET, SMALL).unwrap();
    (model, card)
}

fn poll(card: &mut Card) -> Events {
    let mut events = Events::default();
    card.poll(Instant::now(), &mut events).unwrap();
    events
}

fn ring_error(card: &mut Card) -> RingError {
    match card.poll(Instant::now(), &mut Events::default()) {
        Err(CardError::Ring { card, source }) => {
            assert_eq!(card, "model");
            source
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_card_is_reset_then_told_its_rings_then_its_ports_and_lookup_last() {
    let (model, card) = open();
    let log = model.state().log.clone();
    let at = |wanted: &dyn Fn(&Access) -> bool| log.iter().position(wanted).unwrap_or_else(|| panic!("{log:x?}"));
    let write = |register| at(&move |access| matches!(access, Access::Write(offset, _) if *offset == register));
    let ctrl = |ring| at(&move |access| *access == Access::Write(regs::ring(regs::RING_CTRL, ring), 1));
    let reset = at(&|access| *access == Access::Reset);
    assert!(log[..reset].iter().all(|access| matches!(access, Access::Write(regs::SCRATCH, _))), "only SCRATCH before the reset");
    assert!(reset < write(regs::HASH_SECRET));
    assert!(ctrl(Ring::Completion) < ctrl(Ring::Command), "the completion ring is there before what reports to it");
    for ring in Ring::ALL {
        assert!(write(regs::ring(regs::RING_BASE_LO, ring)) < ctrl(ring));
        assert!(write(regs::ring(regs::RING_SIZE, ring)) < ctrl(ring));
    }
    let buffers = at(&|access| *access == Access::Write(regs::ring(regs::RING_PRODUCER, Ring::FrameToHost), 4));
    assert!(ctrl(Ring::FrameToHost) < buffers && buffers < write(regs::PORT_CTRL));
    assert_eq!(log.last(), Some(&Access::Write(regs::FLOW_CTRL, 0)));
    let state = model.state();
    assert_eq!(state.registers[&regs::IRQ_ENABLE], 0b1111);
    assert_eq!(state.registers[&regs::IRQ_MODERATION], 100);
    assert_eq!(state.registers[&(regs::HASH_SECRET + 4 * 12)], SECRET.register(12));
    assert_eq!(state.vectors, 4);
    assert_eq!(state.registers[&regs::ring(regs::RING_SIZE, Ring::Completion)], 4, "8 + 4 + 4 in flight at most");
    drop(state);
    rustix::io::write(card.eventfd(Vector::Event), &1u64.to_ne_bytes()).unwrap();
}

#[test]
fn a_card_that_is_not_ours_is_refused_by_name_and_never_reset() {
    let open = |geometry| {
        let model = ModelCard::new(geometry);
        let error = Card::open(Arc::clone(&model) as Arc<dyn Transport>, SECRET, SMALL).unwrap_err();
        assert!(!model.state().log.contains(&Access::Reset));
        error.to_string()
    };
    let text = open(fpgaflow_abi::geometry::Geometry { width_bits: 128, ..GEOMETRY });
    assert_eq!(text, "card model refused: register DATAPATH reads 0x30020080, which no flow engine has");
}

#[test]
fn an_absent_card_reads_all_ones_and_is_gone() {
    let model = ModelCard::new(GEOMETRY);
    model.state().gone = true;
    let error = Card::open(Arc::clone(&model) as Arc<dyn Transport>, SECRET, SMALL).unwrap_err();
    assert!(matches!(error, CardError::Transport(TransportError::Gone { .. })), "{error}");

    let (model, card) = open();
    card.check_alive().unwrap();
    model.state().gone = true;
    assert_eq!(card.reason_counters().unwrap_err().to_string(), "card model is gone");
    assert_eq!(card.check_alive().unwrap_err().to_string(), "card model is gone");
}

#[test]
fn health_is_being_there_knowing_the_rings_and_no_bus_error() {
    let (model, mut card) = open();
    card.check_health().unwrap();
    model.state().registers.insert(regs::EVENT, Event::new().with_command(true).with_completion(true).into_bits());
    assert_eq!(card.check_health().unwrap_err().to_string(), "card model met bus errors at: commands, completions");
    card.restart().unwrap();
    card.check_health().unwrap();
    model.reset().unwrap();
    let error = card.check_health().unwrap_err();
    assert_eq!(error.to_string(), "card model was reset behind the driver's back");
    assert!(error.is_of_card());
    card.restart().unwrap();
    card.check_health().unwrap();
    model.state().gone = true;
    assert_eq!(card.check_health().unwrap_err().to_string(), "card model is gone");
}

#[test]
fn a_bad_row_is_named_repaired_and_acknowledged_its_event_first() {
    let (model, mut card) = open();
    assert_eq!(card.bad_row().unwrap(), None);
    let row = TableRow::NextHop(3);
    let event = Event::new().with_parity(true).into_bits();
    model.state().registers.extend([(regs::PARITY, Parity::of(row).into_bits()), (regs::EVENT, event), (regs::PARITY_COUNT, 5)]);
    card.check_health().unwrap();
    assert_eq!((card.bad_row().unwrap(), card.bad_row_clocks().unwrap()), (Some(row), 5));
    model.state().hold = true;
    let ticket = card.repair(row, [Command::write_next_hop(3, &Default::default())]).unwrap();
    assert_eq!(card.bad_row().unwrap(), None, "it is being repaired");
    assert_eq!((poll(&mut card).repaired, card.repairs()), (vec![], 0), "not yet");
    assert!(!card.is_executed(ticket));
    model.state().log.clear();
    model.release();
    assert_eq!((poll(&mut card).repaired, card.repairs()), (vec![row], 1));
    assert!(card.is_executed(ticket));
    let acknowledged = Parity::new().with_bad(true).into_bits();
    let log = model.state().log.clone();
    let at = |wanted| log.iter().position(|access| *access == wanted).unwrap_or_else(|| panic!("{log:x?}"));
    assert!(at(Access::Write(regs::EVENT, event)) < at(Access::Write(regs::PARITY, acknowledged)));

    let beyond = Parity::of(TableRow::NextHop(GEOMETRY.next_hops as u16));
    model.state().registers.insert(regs::PARITY, beyond.into_bits());
    let error = card.bad_row().unwrap_err();
    assert_eq!(error.to_string(), "card model says that a row is bad which it does not have: PARITY reads 0xa0000010");
    assert!(error.is_of_card());
}

#[test]
fn held_and_looking_up_are_told_together_and_a_reset_holds_nothing() {
    let (model, mut card) = open();
    let told = |model: &ModelCard| FlowCtrl::from_bits(model.state().registers[&regs::FLOW_CTRL]);
    card.set_lookup(true).unwrap();
    card.set_hold(true).unwrap();
    assert_eq!(told(&model), FlowCtrl::new().with_lookup(true).with_hold(true));
    card.set_secret(SECRET).unwrap();
    assert_eq!(told(&model), FlowCtrl::new().with_hold(true));
    card.set_lookup(true).unwrap();
    card.restart().unwrap();
    assert_eq!(told(&model), FlowCtrl::new().with_lookup(true));
}

#[test]
fn a_restart_gives_no_command() {
    let (model, mut card) = open();
    card.set_lookup(true).unwrap();
    model.state().hold = true;
    card.submit([Command::nop()]).unwrap();
    card.restart().unwrap();
    assert_eq!((card.pending_commands(), model.state().executed.len()), (0, 0));
    assert_eq!(model.state().registers[&regs::FLOW_CTRL], 1);
    model.punt(1, Reason::Miss, None, &[3; 60]);
    assert_eq!(poll(&mut card).frames.iter().next().unwrap().1, [3; 60]);
}

#[test]
fn a_counter_of_all_ones_is_not_a_card_that_is_gone() {
    let (model, card) = open();
    let at = regs::reason_counter(Reason::Miss);
    model.state().registers.extend([(at, u32::MAX), (at + 4, 5)]);
    assert_eq!(card.reason_counters().unwrap()[Reason::Miss as usize], 5 << 32 | u64::from(u32::MAX));
}

#[test]
fn port_settings_and_counters_reach_their_registers() {
    let (model, mut card) = open();
    let settings = PortSettings { mac: [2, 0, 0, 0, 1, 0xfe], enabled: true, promiscuous: false, tail_drop: true };
    card.set_port(1, settings).unwrap();
    let counter = regs::port_counter(1, regs::PortCounter::TxBytes);
    model.state().registers.extend([(counter, 77), (counter + 4, 1)]);
    assert_eq!(model.state().registers[&regs::port(regs::PORT_MAC_LO, 1)], 0x0000_01fe);
    assert_eq!(model.state().registers[&regs::port(regs::PORT_MAC_HI, 1)], 0x0200);
    assert_eq!(model.state().registers[&regs::port(regs::PORT_CTRL, 1)], 0b101);
    assert_eq!(card.port_counters(1).unwrap().tx_bytes, 1 << 32 | 77);
    assert_eq!(card.set_port(2, settings).unwrap_err().to_string(), "card model has 2 ports, there is no port 2");
}

#[test]
fn more_commands_than_the_ring_holds_are_executed_in_order() {
    let (model, mut card) = open();
    model.state().hold = true;
    let write = |i: u32| Command::write_slot(SlotPlace::from_index(i), Slot::new().with_tag(i as u16));
    let first = card.submit((0..100).map(write)).unwrap();
    let second = card.submit([]).unwrap();
    assert_eq!(card.pending_commands(), 101);
    model.release();
    let mut done = Vec::new();
    for _ in 0..40 {
        done.extend(poll(&mut card).commands);
    }
    assert_eq!(done, [CommandEvent::Done { ticket: first }, CommandEvent::Done { ticket: second }]);
    assert_eq!(card.pending_commands(), 0);
    let state = model.state();
    assert!(state.executed[..100].iter().map(|command| command.index).eq(0..100));
    assert_eq!(state.executed[100].head.opcode(), Opcode::Nop as u8);
    assert_eq!(state.tables.slots[99].tag(), 99);
}

#[test]
fn a_refused_command_is_named_and_its_submission_still_ends() {
    let (model, mut card) = open();
    model.state().refuse.extend([Status::Ok, Status::BadIndex]);
    let ticket = card.submit([Command::nop(), Command::write_stash(900, Default::default()), Command::nop()]).unwrap();
    let failed = CommandEvent::Failed { ticket, opcode: Opcode::WriteStash as u8, index: 900, status: Status::BadIndex };
    assert_eq!(poll(&mut card).commands, [failed, CommandEvent::Done { ticket }]);
}

#[test]
fn frames_to_the_host_arrive_whole_and_their_buffers_go_back() {
    let (model, mut card) = open();
    let entry = EntryRef::of(Family::V4, 9);
    for round in 0..50u32 {
        let frames: Vec<Vec<u8>> = (0..4).map(|i| (0..60 + 361 * i).map(|at| (at + round + i) as u8).collect()).collect();
        for (i, frame) in frames.iter().enumerate() {
            assert!(model.punt(i as u8 % 2, Reason::Miss, (i == 2).then_some(entry), frame));
        }
        assert!(!model.punt(0, Reason::Miss, None, &[0; 60]), "four buffers were posted");
        let events = poll(&mut card);
        let got: Vec<_> = events.frames.iter().map(|(info, bytes)| (info.port, info.entry, bytes.to_vec())).collect();
        let want: Vec<_> =
            frames.into_iter().enumerate().map(|(i, frame)| (i as u8 % 2, (i == 2).then_some(entry), frame)).collect();
        assert_eq!(got, want);
    }
}

#[test]
fn frames_of_the_host_are_padded_and_sent_by_their_port() {
    let (model, mut card) = open();
    for round in 0..50 {
        for len in [14, 59, 60, 61, 1518] {
            let frame: Vec<u8> = (0..len).map(|at| (at + round + 1) as u8).collect();
            assert_eq!(card.send_frame(1, &frame).unwrap(), Sent::Queued);
            let mut padded = frame;
            padded.resize(padded.len().max(60), 0);
            assert_eq!(model.state().sent.pop(), Some((1, padded)), "length {len}");
            poll(&mut card);
        }
    }
    let text = card.send_frame(0, &[0; 1519]).unwrap_err().to_string();
    assert_eq!(text, "card model sends frames of 14 to 1518 bytes, not 1519");
    assert!(card.send_frame(2, &[0; 60]).is_err());
}

#[test]
fn a_full_ring_to_the_card_says_so_and_keeps_what_it_has() {
    let (model, mut card) = open();
    for i in 0..4 {
        assert_eq!(card.queue_frame(0, &[i; 60]).unwrap(), Sent::Queued);
    }
    assert_eq!(card.queue_frame(0, &[9; 60]).unwrap(), Sent::RingFull);
    assert!(model.state().sent.is_empty(), "no doorbell yet");
    poll(&mut card);
    assert!(model.state().sent.iter().map(|(_, frame)| frame[0]).eq(0..4));
    poll(&mut card);
    assert_eq!(card.queue_frame(0, &[9; 60]).unwrap(), Sent::Queued);
}

#[test]
fn counters_are_read_in_bulk() {
    let (model, mut card) = open();
    let record = CounterRecord { packets: 3, bytes: 1 << 40, last_seen: 0xffff_fff0 };
    model.state().tables.counters[1][63] = record;
    let ticket = card.read_counters(Family::V6, 60..64).unwrap();
    assert_eq!(poll(&mut card).commands, [CommandEvent::Done { ticket }]);
    assert_eq!(card.counter(EntryRef::of(Family::V6, 63)), Some(record));
    assert_eq!(card.counter(EntryRef::of(Family::V6, 62)), Some(CounterRecord::default()));
    assert_eq!(card.counter(EntryRef::of(Family::V6, 64)), None);
    let text = card.read_counters(Family::V6, 60..65).unwrap_err().to_string();
    assert_eq!(text, "card model has 64 V6 entries, not 60..65");
}

#[test]
fn a_damaged_completion_is_not_believed() {
    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Crc);
    card.submit([Command::nop()]).unwrap();
    assert!(matches!(ring_error(&mut card), RingError::BadCrc { sequence: 1, .. }));
    assert!(matches!(ring_error(&mut card), RingError::BadCrc { sequence: 1, .. }), "the error stays until the card is reset");
}

#[test]
fn codes_that_do_not_exist_are_errors() {
    for (fault, field, code) in
        [(Fault::Kind(9), "kind", 9), (Fault::Status(77), "status", 77), (Fault::Reason(200), "reason", 200)]
    {
        let (model, mut card) = open();
        model.state().faults.push_back(fault);
        model.punt(0, Reason::Miss, None, &[0; 60]);
        assert_eq!(ring_error(&mut card), RingError::UnknownCode { sequence: 1, field, code });
    }
}

#[test]
fn a_counter_outside_what_was_published_is_an_error_for_every_ring() {
    for consumer in [0, 5, u32::MAX, 1 << 31] {
        let (model, mut card) = open();
        model.state().faults.push_back(Fault::Consumer(consumer));
        model.punt(0, Reason::Miss, None, &[0; 60]);
        let expected = RingError::ConsumerBeyondProducer { sequence: 1, ring: Ring::FrameToHost, consumer, from: 0, producer: 4 };
        assert_eq!(ring_error(&mut card), expected);

        let (model, mut card) = open();
        model.state().faults.push_back(Fault::Consumer(consumer));
        card.submit([Command::nop()]).unwrap();
        assert!(matches!(ring_error(&mut card), RingError::ConsumerBeyondProducer { ring: Ring::Command, .. }));
    }
    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Consumer(3));
    for _ in 0..2 {
        assert_eq!(card.send_frame(0, &[0; 60]).unwrap(), Sent::Queued);
    }
    assert!(matches!(ring_error(&mut card), RingError::ConsumerBeyondProducer { ring: Ring::FrameToCard, .. }));
}

#[test]
fn a_buffer_that_was_passed_over_or_a_foreign_cookie_is_an_error() {
    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Consumer(2));
    model.punt(0, Reason::Miss, None, &[0; 60]);
    assert!(matches!(ring_error(&mut card), RingError::UnknownCookie { ring: Ring::FrameToHost, .. }));

    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Cookie(0x1234));
    card.submit([Command::nop()]).unwrap();
    let expected = RingError::UnknownCookie { sequence: 1, ring: Ring::Command, cookie: 0x1234, expected: 0 };
    assert_eq!(ring_error(&mut card), expected);
}

#[test]
fn a_length_or_port_that_cannot_be_is_an_error() {
    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Length(1537));
    model.punt(0, Reason::Miss, None, &[0; 60]);
    let expected = RingError::LengthOverBuffer { sequence: 1, length_bytes: 1537, buffer_bytes: 1536 };
    assert_eq!(ring_error(&mut card), expected);

    let (model, mut card) = open();
    model.state().faults.push_back(Fault::Port(2));
    model.punt(0, Reason::Miss, None, &[0; 60]);
    assert_eq!(ring_error(&mut card), RingError::UnknownPort { sequence: 1, port: 2, ports: 2 });
}

#[test]
fn a_command_that_takes_too_long_is_a_stall_and_progress_resets_the_clock() {
    let (model, mut card) = open();
    model.state().hold = true;
    let ticket = card.submit([Command::nop()]).unwrap();
    let (start, mut events) = (Instant::now(), Events::default());
    card.poll(start, &mut events).unwrap();
    card.poll(start + Duration::from_millis(50), &mut events).unwrap();
    let error = card.poll(start + Duration::from_millis(51), &mut events).unwrap_err();
    assert!(matches!(error, CardError::Stalled { ticket: stalled, waited_ms: 51, .. } if stalled == ticket), "{error}");
    model.release();
    card.poll(start + Duration::from_secs(9), &mut events).unwrap();
    assert_eq!(events.commands, [CommandEvent::Done { ticket }]);
    model.state().hold = true;
    card.submit([Command::nop()]).unwrap();
    card.poll(start + Duration::from_secs(10), &mut events).unwrap();
    model.state().gone = true;
    let error = card.poll(start + Duration::from_secs(11), &mut events).unwrap_err();
    assert_eq!(error.to_string(), "card model is gone");
}

#[test]
fn a_card_that_misbehaved_is_whole_after_recovery() {
    let (model, mut card) = open();
    let settings = PortSettings { mac: [2, 0, 0, 0, 0, 1], enabled: true, promiscuous: true, tail_drop: false };
    card.set_port(0, settings).unwrap();
    card.set_lookup(true).unwrap();
    for _ in 0..3 {
        card.submit([Command::nop()]).unwrap();
        poll(&mut card);
    }
    model.state().faults.push_back(Fault::Crc);
    model.punt(0, Reason::Miss, None, &[1; 60]);
    ring_error(&mut card);
    let mappings = model.mappings();
    let slot = Slot::new().with_tag(7).with_valid(true);
    let ticket = card.recover([Command::write_slot(SlotPlace::from_index(3), slot)]).unwrap();
    assert_eq!(poll(&mut card).commands, [CommandEvent::Done { ticket }]);
    assert_eq!(model.mappings(), mappings);
    assert_eq!(model.state().tables.slots[3], slot);
    assert_eq!(model.state().registers[&regs::FLOW_CTRL], 1);
    assert_eq!(model.state().registers[&regs::PORT_CTRL], 0b11);
    model.punt(0, Reason::Miss, None, &[2; 60]);
    assert_eq!(poll(&mut card).frames.iter().next().unwrap().1, [2; 60]);

    model.state().geometry.entries_v4 = 128;
    assert!(matches!(card.recover([]), Err(CardError::GeometryChanged { .. })));
}

#[test]
fn shutting_down_stops_the_card_and_takes_the_memory_back() {
    let (model, mut card) = open();
    card.set_lookup(true).unwrap();
    let before = model.state().log.len();
    card.shut_down().unwrap();
    let state = model.state();
    let expected: Vec<_> =
        [(regs::FLOW_CTRL, 0), (regs::PORT_CTRL, 0), (regs::port(regs::PORT_CTRL, 1), 0), (regs::IRQ_ENABLE, 0)]
            .into_iter()
            .chain(Ring::ALL.map(|ring| (regs::ring(regs::RING_CTRL, ring), 0)))
            .map(|(offset, value)| Access::Write(offset, value))
            .collect();
    assert_eq!(state.log[before..], expected);
    assert_eq!(state.vectors, 0);
    drop(state);
    assert_eq!(model.mappings(), 0);
}

#[test]
fn rings_that_the_abi_does_not_have_are_refused() {
    let open = |options| Card::open(ModelCard::new(GEOMETRY) as Arc<dyn Transport>, SECRET, options).unwrap_err().to_string();
    assert_eq!(open(Options { to_card_bits: 0, ..SMALL }), "a FrameToCard ring of 2^0 descriptors does not exist");
    assert_eq!(open(Options { command_bits: 15, ..SMALL }), "a Completion ring of 2^16 descriptors does not exist");
    assert_eq!(open(Options { to_host_bits: 200, ..SMALL }), "a FrameToHost ring of 2^200 descriptors does not exist");
}
