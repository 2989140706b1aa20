//! Every register as `abi::regs` says.

use fpgaflow_abi::descriptor::{Ring, Vector};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::SECRET_REGS;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::regs::{self, Access, BAR_BYTES, Event, FlowCtrl, Parity, PortCounter, PortCtrl, REGISTERS, TableRow, ring};
use fpgaflow_abi::slot::{EntryRef, SlotPlace};
use fpgaflow_hdl_guard::rng;
use rand::RngExt;

use crate::memory::Pace;
use crate::support::GEOMETRY;
use crate::world::World;

#[test]
fn the_card_is_identified_by_its_registers() {
    let mut world = World::new(rng(), Pace::FAST);
    assert_eq!(Geometry::identify(|offset| world.read(offset)), Ok(GEOMETRY));
}

/// Offsets of single registers with how they answer; both halves of counters.
fn registers() -> Vec<(u32, Access, &'static str)> {
    let mut all = Vec::new();
    for register in REGISTERS {
        for i in 0..register.count {
            let offset = register.offset + register.stride * i as u32;
            all.push((offset, register.access, register.name));
            if register.stride == 8 {
                all.push((offset + 4, register.access, register.name));
            }
        }
    }
    all
}

/// Bits that a register has and that come back as written, `None` where the card changes them itself.
fn kept(offset: u32, name: &str) -> Option<u32> {
    let port = (offset >> 4 & 3) as u8;
    Some(match name {
        "PORT_CTRL" | "PORT_MAC_LO" | "PORT_MAC_HI" if port >= GEOMETRY.ports => 0,
        "FLOW_CTRL" => regs::FLOW_CTRL_MASK,
        "FRAGMENT_LIFETIME" => 0xffff,
        "IRQ_ENABLE" => 0xf,
        "RING_BASE_LO" => !63,
        "RING_SIZE" => 15,
        "PORT_CTRL" => 7,
        "PORT_MAC_HI" => 0xffff,
        "EVENT" | "PARITY" | "RING_CTRL" | "RING_PRODUCER" | "RING_CONSUMER" => return None,
        _ => u32::MAX,
    })
}

#[test]
fn what_can_be_written_reads_back_and_nothing_else_changes() {
    let mut world = World::new(rng(), Pace::FAST);
    let all = registers();
    let mut expected = Vec::new();
    for (offset, access, name) in &all {
        assert!(name.contains("CLOCK") || *access == Access::Ro || world.read(*offset) == 0, "{name} is zero after reset");
        let value: u32 = world.rng.random();
        // Everything read-only is written too: nothing may come of it.
        if *access == Access::Rw && kept(*offset, name).is_none() {
            continue;
        }
        world.write(*offset, value);
        if let (Access::Rw, Some(bits)) = (access, kept(*offset, name)) {
            expected.push((*offset, value & bits, *name));
        }
    }
    for (offset, value, name) in expected {
        assert_eq!(world.read(offset), value, "{name} at {offset:#x}");
    }
    assert_eq!(Geometry::identify(|offset| world.read(offset)), Ok(GEOMETRY));
}

#[test]
fn where_there_is_no_register_reads_give_zero_and_writes_do_nothing() {
    let mut world = World::new(rng(), Pace::FAST);
    let known: Vec<u32> = registers().into_iter().map(|(offset, ..)| offset).collect();
    let holes: Vec<u32> = (0..BAR_BYTES as u32).step_by(4).filter(|offset| !known.contains(offset)).collect();
    for offset in &holes {
        world.write(*offset, u32::MAX);
    }
    for offset in &holes {
        assert_eq!(world.read(*offset), 0, "{offset:#x}");
    }
    for (offset, access, name) in registers() {
        if access == Access::Rw {
            assert_eq!(world.read(offset), 0, "{name} at {offset:#x} was changed through a hole");
        }
    }
}

#[test]
fn a_write_of_less_than_a_register_is_refused() {
    let mut world = World::new(rng(), Pace::FAST);
    world.write(regs::SCRATCH, 0x0123_4567);
    for strobes in 0..15 {
        assert_eq!(world.write_with(regs::SCRATCH, 0xffff_ffff, strobes), 2, "SLVERR");
        assert_eq!(world.read(regs::SCRATCH), 0x0123_4567);
    }
}

#[test]
fn controls_reach_the_engine() {
    let mut world = World::new(rng(), Pace::FAST);
    world.write(regs::FLOW_CTRL, FlowCtrl::new().with_lookup(true).with_hold(true).into_bits());
    let secret: Vec<u32> = (0..SECRET_REGS).map(|_| world.rng.random()).collect();
    for (i, word) in (0..).zip(&secret) {
        world.write(regs::HASH_SECRET + 4 * i, *word);
    }
    let macs = [0x0200_0000_0102_u64, 0xfedc_ba98_7654];
    for (port, mac) in (0..).zip(macs) {
        world.write(regs::port(regs::PORT_MAC_LO, port), mac as u32);
        world.write(regs::port(regs::PORT_MAC_HI, port), (mac >> 32) as u32);
    }
    let ctrls = [PortCtrl::new().with_rx_enable(true).with_tail_drop(true), PortCtrl::new().with_promiscuous(true)];
    for (port, ctrl) in (0..).zip(ctrls) {
        world.write(regs::port(regs::PORT_CTRL, port), ctrl.into_bits());
    }
    world.run(4);
    assert_eq!((world.get("lookup_enable"), world.get("hold")), (1, 1));
    let words: [u64; 7] = world.words("hash_secret");
    let halves: Vec<u32> = words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32]).take(SECRET_REGS).collect();
    assert_eq!(halves, secret);
    assert_eq!([world.get("port_mac_0"), world.get("port_mac_1")], macs);
    assert_eq!((world.get("rx_enable"), world.get("promiscuous"), world.get("tail_drop")), (0b01, 0b10, 0b01));
}

#[test]
fn a_write_is_in_effect_when_it_is_answered() {
    // A frame that came right behind the answer once met a port that was off.
    let mut world = World::new(rng(), Pace::FAST);
    for on in [true, false].repeat(16) {
        world.write(regs::port(regs::PORT_CTRL, 0), PortCtrl::new().with_rx_enable(on).into_bits());
        assert_eq!(world.get("rx_enable"), u64::from(on));
        world.write(regs::FLOW_CTRL, FlowCtrl::new().with_lookup(on).into_bits());
        assert_eq!(world.get("lookup_enable"), u64::from(on));
    }
}

#[test]
fn the_clock_counts_every_clock_and_its_halves_belong_together() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut last: Option<(u64, u64)> = None;
    for _ in 0..20 {
        world.run(77);
        let low = world.read(regs::CLOCK_LO);
        let clock = world.model.clocks();
        let at = u64::from(world.read(regs::CLOCK_HI)) << 32 | u64::from(low);
        assert!(at < clock && clock - at < 30, "{at} is the clock at the read, soon before {clock}");
        if let Some((at_before, clock_before)) = last {
            let (card, model) = (at - at_before, clock - clock_before);
            assert!(card.abs_diff(model) < 8, "{card} clocks of {model}");
        }
        last = Some((at, clock));
    }
}

#[test]
fn ring_counters_belong_to_their_sides() {
    let mut world = World::new(rng(), Pace::FAST);
    for which in Ring::ALL {
        let host_counter = if which == Ring::Completion { regs::RING_CONSUMER } else { regs::RING_PRODUCER };
        assert_eq!(world.read(ring(regs::RING_CTRL, which)), 0);
        world.write(ring(host_counter, which), 9);
        world.run(2);
        assert_eq!(world.read(ring(host_counter, which)), 0, "off: both are zero");
    }
    // Only the completion ring can be on without the card using what is in it.
    world.write(ring(regs::RING_CTRL, Ring::Completion), u32::MAX);
    assert_eq!(world.read(ring(regs::RING_CTRL, Ring::Completion)), 1);
    world.write(ring(regs::RING_CONSUMER, Ring::Completion), 0x8765_4321);
    world.write(ring(regs::RING_PRODUCER, Ring::Completion), 5);
    assert_eq!(world.read(ring(regs::RING_CONSUMER, Ring::Completion)), 0x8765_4321);
    assert_eq!(world.read(ring(regs::RING_PRODUCER, Ring::Completion)), 0, "the card's");
    world.write(ring(regs::RING_CTRL, Ring::Completion), 0);
    world.until("the ring to stop", |world| world.read(ring(regs::RING_CTRL, Ring::Completion)) == 0);
    world.write(ring(regs::RING_CTRL, Ring::Completion), 1);
    assert_eq!(world.read(ring(regs::RING_CONSUMER, Ring::Completion)), 0, "enabling starts at zero");
}

/// All pulses that count, as they come in one clock.
struct Pulses {
    ports: [[u64; 4]; 2],
    reasons: [u64; REASONS],
}

impl Pulses {
    /// Sets the pulses of the coming clock, each with `chance`, and counts them.
    fn random(&mut self, world: &mut World, chance: f64) {
        let pulse = |world: &mut World, name: &str| {
            let value = world.rng.random_bool(chance);
            world.set(name, value.into());
            value
        };
        for port in 0..2 {
            for (name, counter) in [("received", PortCounter::RxFrames as usize), ("sent", PortCounter::TxFrames as usize)] {
                let length = if world.rng.random_bool(0.5) { 0xffff } else { world.rng.random_range(0..=0xffff) };
                world.set(&format!("{name}_length_{port}"), length);
                if pulse(world, &format!("{name}_valid_{port}")) {
                    self.ports[port][counter] += 1;
                    self.ports[port][counter + 1] += length;
                }
            }
            // Often the same reason at both ports.
            let reason = if world.rng.random_bool(0.5) { Reason::Runt as u64 } else { world.rng.random_range(1..=4) };
            world.set(&format!("drop_reason_{port}"), reason);
            if pulse(world, &format!("drop_valid_{port}")) {
                self.reasons[reason as usize] += 1;
            }
            if pulse(world, &format!("tx_full_valid_{port}")) {
                self.reasons[Reason::TxFull as usize] += 1;
            }
        }
        let reason = if world.rng.random_bool(0.5) { 0 } else { world.rng.random_range(5..=22) };
        world.set("verdict_reason", reason);
        if pulse(world, "verdict_valid") {
            self.reasons[reason as usize] += 1;
        }
        if pulse(world, "host_full_valid") {
            self.reasons[Reason::HostFull as usize] += 1;
        }
    }

    #[track_caller]
    fn check(&self, world: &mut World) {
        for port in 0..4 {
            for counter in [PortCounter::RxFrames, PortCounter::RxBytes, PortCounter::TxFrames, PortCounter::TxBytes] {
                let expected = self.ports.get(port).map_or(0, |counters| counters[counter as usize]);
                assert_eq!(world.read64(regs::port_counter(port as u8, counter)), expected, "port {port} {counter:?}");
            }
        }
        for (code, expected) in self.reasons.iter().enumerate() {
            assert_eq!(world.read64(regs::REASON_COUNTERS + 8 * code as u32), *expected, "reason {code}");
        }
    }
}

#[test]
fn counters_are_exact_when_every_pulse_comes_in_every_clock() {
    let mut world = World::new(rng(), Pace::FAST);
    // Verdicts come when a receive side can have been switched on.
    world.read(regs::MAGIC);
    let mut pulses = Pulses { ports: [[0; 4]; 2], reasons: [0; REASONS] };
    // Past 2^32 bytes, so that carries are seen.
    for (chance, clocks) in [(1.0, 140_000), (0.5, 5_000), (0.01, 5_000)] {
        for _ in 0..clocks {
            pulses.random(&mut world, chance);
            world.clock();
        }
        pulses.random(&mut world, 0.0);
        pulses.check(&mut world);
    }
    assert!(pulses.ports[0][PortCounter::RxBytes as usize] > 1 << 32);
}

#[test]
fn a_counter_read_holds_every_event_before_it() {
    let mut world = World::new(rng(), Pace::FAST);
    // Verdicts come when a receive side can have been switched on.
    world.read(regs::MAGIC);
    let mut pulses = Pulses { ports: [[0; 4]; 2], reasons: [0; REASONS] };
    for _ in 0..60 {
        pulses.random(&mut world, 1.0);
        world.clock();
        pulses.random(&mut world, 0.0);
        let reason = [Reason::Forwarded, Reason::Runt, Reason::TxFull, Reason::HostFull][world.rng.random_range(0..4)];
        assert_eq!(world.read64(regs::reason_counter(reason)), pulses.reasons[reason as usize]);
        let gap = world.rng.random_range(0..80);
        world.run(gap);
    }
}

#[test]
fn the_first_bad_row_is_kept_until_it_is_acknowledged_and_all_are_counted() {
    let mut world = World::new(rng(), Pace::FAST);
    world.write(regs::IRQ_ENABLE, 1 << Vector::Event as u32);
    let find = |world: &mut World, row: TableRow| {
        world.set("bad_row", Parity::of(row).into_bits().into());
        world.set("bad_row_valid", 1);
        world.clock();
        world.set("bad_row_valid", 0);
    };
    let rows = [
        TableRow::Slot(SlotPlace::from_index(0x123)),
        TableRow::Entry(EntryRef::new().with_v6(true).with_index(7)),
        TableRow::NextHop(200),
    ];
    let (mut count, parity) = (0, Event::new().with_parity(true).into_bits());
    assert_eq!((world.read(regs::PARITY), world.read(regs::PARITY_COUNT)), (0, 0));
    for row in rows {
        find(&mut world, row);
        world.until("the interrupt", |world| world.interrupts.iter().any(|(_, vector)| *vector == Vector::Event as u64));
        world.interrupts.clear();
        for other in rows {
            find(&mut world, other);
        }
        count += 4;
        world.run(10);
        assert!(world.interrupts.is_empty(), "one interrupt for one row");
        assert_eq!(Parity::from_bits(world.read(regs::PARITY)).row(), Some(row));
        assert_eq!((world.read(regs::PARITY_COUNT), world.read(regs::EVENT)), (count, parity));
        // Only its own bit lets it go.
        world.write(regs::PARITY, !Parity::new().with_bad(true).into_bits());
        assert_eq!(Parity::from_bits(world.read(regs::PARITY)).row(), Some(row));
        world.write(regs::EVENT, parity);
        world.write(regs::PARITY, Parity::new().with_bad(true).into_bits());
        assert_eq!((world.read(regs::PARITY), world.read(regs::EVENT)), (0, 0));
    }
    assert_eq!(world.read(regs::PARITY_COUNT), count, "an acknowledgement changes no count");
}
