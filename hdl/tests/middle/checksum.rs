//! The checksum update against the ABI's arithmetic.

use fpgaflow_abi::checksum::{TTL_DELTA, add, update};
use fpgaflow_hdl::verdict::ChecksumUpdate;
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

/// Clocks from checksum to its update, by the contract.
const LATENCY: usize = 4;

/// What leaves, by the contract.
fn expected(checksum: u16, delta: u16, second: u16, udp: bool) -> u16 {
    match (udp, update(checksum, add(delta, second))) {
        (true, _) if checksum == 0 => 0,
        (true, 0) => 0xffff,
        (_, updated) => updated,
    }
}

#[test]
fn checksum_update_is_clean() {
    check_block("checksum_update", || ChecksumUpdate::new(TTL_DELTA), Expect::rams(0));
}

#[test]
fn every_checksum_is_updated_by_deltas_at_the_edges_and_at_random() {
    let mut rng = rng();
    for second in [0, TTL_DELTA] {
        let mut m = model("checksum_update", ChecksumUpdate::new(second));
        let [checksum, delta, udp, updated] = ["checksum", "delta", "udp", "updated"].map(|name| m.port(name));
        let mut due = std::collections::VecDeque::new();
        for edge in [0, 1, 0x00ff, 0x0100, 0xfeff, 0xfffe, 0xffff, rng.random()] {
            for value in 0..=u16::MAX {
                let is_udp = rng.random();
                m.set(checksum, value.into());
                m.set(delta, edge.into());
                m.set(udp, u64::from(is_udp));
                due.push_back((value, edge, is_udp, expected(value, edge, second, is_udp)));
                m.tick();
                if due.len() == LATENCY {
                    let (value, edge, is_udp, due) = due.pop_front().expect("its length was looked at");
                    let context = format!("checksum {value:#06x}, delta {edge:#06x}, second {second:#06x}, udp {is_udp}");
                    assert_eq!(m.get(updated), u64::from(due), "{context}");
                }
            }
        }
    }
}

#[test]
fn both_simulators_agree_on_udps_two_zeros() {
    let mut bench = Bench::new(ChecksumUpdate::new(0), |dut| &mut dut.clock);
    for (checksum, delta, udp, leaves) in
        [(0_u64, 0x1234_u64, true, 0_u64), (0x1234, 0x1234, true, 0xffff), (0x1234, 0x1234, false, 0), (0xffff, 0, true, 0xffff)]
    {
        bench.dut.checksum.next = checksum.into();
        bench.dut.delta.next = delta.into();
        bench.dut.udp.next = udp;
        for _ in 0..LATENCY {
            bench.tick();
        }
        assert_eq!(bench.dut.updated.val(), leaves, "checksum {checksum:#x}, delta {delta:#x}, udp {udp}");
    }
}
