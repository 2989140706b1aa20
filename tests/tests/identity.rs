//! A card that is not what this driver speaks to is refused by name, and left as it is.

use std::sync::Arc;

use fpgaflow_abi::geometry::{Datapath, Geometry, Table};
use fpgaflow_abi::regs;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_abi::{ABI_VERSION, MAGIC};
use fpgaflow_card::{CosimTransport, Width};
use fpgaflow_driver::card::{Card, CardError, Options};
use fpgaflow_driver::transport::{Transport, TransportError};
use fpgaflow_tests::{GEOMETRY, Lying, Rig, Setup, Stream, datagram_flow, hop, secret, verilated};
use fpgaflow_traffic::{rng, seed};

/// What opening a card says whose register at `offset` reads `value`.
fn refusal(transport: &Arc<CosimTransport>, offset: u32, value: u32) -> CardError {
    let lying = Lying::new(Arc::clone(transport) as Arc<dyn Transport>, offset, value);
    Card::open(lying, secret(&mut rng(0)), Options::default())
        .expect_err(&format!("a card whose register at {offset:#05x} reads {value:#x} was taken"))
}

fn card() -> Arc<CosimTransport> {
    verilated(Width::Bits64)
}

/// Each of `values` in the register at `offset` is refused with the name of register and card, and with the value.
fn refused_by_name(name: &str, offset: u32, values: &[u32]) {
    let transport = card();
    for value in values {
        let text = refusal(&transport, offset, *value).to_string();
        assert_eq!(
            text,
            format!("card {} refused: register {name} reads {value:#010x}, which no flow engine has", CosimTransport::NAME)
        );
    }
}

fn datapath() -> Datapath {
    Datapath::new().with_width_bits(GEOMETRY.width_bits).with_ports(GEOMETRY.ports)
}

fn table() -> Table {
    Table::from_bits(GEOMETRY.register(regs::TABLE).expect("a register of the identity"))
}

#[test]
fn the_verilated_card_is_what_it_says() {
    let card = Card::open(card(), secret(&mut rng(0)), Options::default()).expect("open the card");
    assert_eq!(*card.geometry(), GEOMETRY);
    assert_eq!(card.name(), CosimTransport::NAME);
}

#[test]
fn another_magic_is_refused_by_both_magics() {
    let transport = card();
    for magic in [0, 1, MAGIC.swap_bytes(), MAGIC ^ 1] {
        let text = refusal(&transport, regs::MAGIC, magic).to_string();
        assert_eq!(text, format!("card sim refused: register MAGIC reads {magic:#010x}, a flow engine reads {MAGIC:#010x}"));
    }
}

#[test]
fn a_bus_that_reads_all_ones_is_a_card_that_is_gone() {
    let error = refusal(&card(), regs::MAGIC, u32::MAX);
    assert!(matches!(error, CardError::Transport(TransportError::Gone { .. })), "{error:?}");
    assert_eq!(error.to_string(), "card sim is gone");
}

#[test]
fn another_abi_is_refused_by_both_versions() {
    let transport = card();
    let (major, minor) = (ABI_VERSION >> 16, ABI_VERSION & 0xffff);
    for (found_major, found_minor) in [(0, 0), (major - 1, 0xffff), (major + 1, 0), (major + 1, 7), (0xffff, 0)] {
        let text = refusal(&transport, regs::ABI_VERSION, found_major << 16 | found_minor).to_string();
        let reads = format!("{found_major}.{found_minor}");
        assert_eq!(text, format!("card sim refused: register ABI_VERSION reads {reads}, this driver speaks {major}.{minor}"));
    }
}

#[test]
fn a_later_minor_abi_is_taken() {
    let lying = Lying::new(card() as Arc<dyn Transport>, regs::ABI_VERSION, ABI_VERSION + 1);
    Card::open(lying, secret(&mut rng(0)), Options::default()).expect("what it has more than the driver knows does no harm");
}

#[test]
fn a_data_path_that_makes_no_sense_is_refused() {
    let odd = [
        Datapath::new(),
        datapath().with_width_bits(0),
        datapath().with_width_bits(128),
        datapath().with_width_bits(u16::MAX),
        datapath().with_ports(0),
        datapath().with_ports(fpgaflow_abi::MAX_PORTS as u8 + 1),
    ];
    refused_by_name("DATAPATH", regs::DATAPATH, &odd.map(Datapath::into_bits));
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    let odd = [
        Table::new(),
        table().with_ways(table().ways() - 1),
        table().with_ways(0),
        table().with_banks(1),
        table().with_banks(3),
        table().with_bucket_bits(0),
        table().with_bucket_bits(25),
    ];
    refused_by_name("TABLE", regs::TABLE, &odd.map(Table::into_bits));
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    // None of one family would be an engine of the other: `abi::geometry` has the test of a card without any.
    const { assert!(GEOMETRY.entries_v6 > 0) };
    refused_by_name("ENTRIES_V4", regs::ENTRIES_V4, &[(1 << 23) + 1, 1 << 31]);
    refused_by_name("ENTRIES_V6", regs::ENTRIES_V6, &[(1 << 23) + 1, 1 << 31]);
    refused_by_name("NEXT_HOPS", regs::NEXT_HOPS, &[0, (1 << 12) + 1, 1 << 31]);
    refused_by_name("MAX_FRAME", regs::MAX_FRAME, &[0, 13, MIN_FRAME_BYTES as u32 - 1, (1 << 16) + 1, 1 << 31]);
}

#[test]
fn a_card_that_takes_no_writes_is_refused() {
    let error = refusal(&card(), regs::SCRATCH, 0x1234);
    let text = error.to_string();
    assert!(text.starts_with("card sim refused: register SCRATCH reads 0x00001234 after 0x"), "{text}");
}

#[test]
fn a_refused_card_goes_on_with_what_it_does() {
    let seed = seed();
    let mut rig = Rig::new(Setup::new(seed), secret(&mut rng(seed)));
    let egress = rig.add_next_hop(hop(1));
    let flow = datagram_flow(0, 1, egress);
    rig.install([flow]).expect("an empty table takes a flow");
    rig.await_commands();
    let mut stream = Stream::new(flow.key, MIN_FRAME_BYTES);
    for (offset, value) in [(regs::MAGIC, 0), (regs::ABI_VERSION, 0), (regs::DATAPATH, 0), (regs::MAX_FRAME, 0)] {
        stream.feed(&mut rig);
        refusal(&rig.transport, offset, value);
        rig.run(500);
    }
    let report = rig.finish();
    assert_eq!(report.summary.forwarded(), stream.sent, "every frame of the flow was forwarded");
}

#[test]
fn a_card_that_is_another_one_after_its_reset_is_not_told_anything() {
    let honest = card();
    let lying = Lying::later(Arc::clone(&honest) as Arc<dyn Transport>, regs::ENTRIES_V4, GEOMETRY.entries_v4 / 2);
    let mut driver = Card::open(Arc::clone(&lying) as Arc<dyn Transport>, secret(&mut rng(0)), Options::default()).expect("open");
    lying.lie();
    let error = driver.recover([]).expect_err("a card of half the size was taken for the same one");
    let CardError::GeometryChanged { card, before, after } = &error else { panic!("{error:?}") };
    assert_eq!((card.as_str(), **before), ("sim", GEOMETRY));
    assert_eq!(**after, Geometry { entries_v4: GEOMETRY.entries_v4 / 2, ..GEOMETRY });
    let text = error.to_string();
    assert!(text.starts_with("card sim is not what it was before its reset") && text.contains("entries_v4"), "{text}");
}
