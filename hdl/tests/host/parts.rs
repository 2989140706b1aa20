//! The parts, each alone: what is written by hand in both simulators, the rest against plain models.

use std::collections::VecDeque;

use fpgaflow_abi::regs;
use fpgaflow_hdl::host::bursts::{BURST_BEATS, Bursts};
use fpgaflow_hdl::host::regs::bank::Bank;
use fpgaflow_hdl::host::regs::map::{self, Kind, Map};
use fpgaflow_hdl::host::shelf::{LutMemory, Shelf};
use fpgaflow_hdl::host::turn::Turn;
use fpgaflow_hdl::prelude::Bits;
use fpgaflow_hdl_guard::{Bench, model, rng};
use rand::RngExt;

use crate::support::GEOMETRY;

#[test]
fn bursts_cover_a_transfer_and_end_at_boundaries() {
    let mut rng = rng();
    let mut m = model("bursts", Bursts::<13, 10>::default());
    let port = |name: &str| m.port(name);
    let (start, address, last, busy) = (port("start"), port("address"), port("last"), port("busy"));
    let (data, valid, ready) = (port("m_axis_data"), port("m_axis_valid"), port("m_axis_ready"));
    m.set(m.port("reset"), 1);
    m.tick();
    m.set(m.port("reset"), 0);
    for round in 0..400 {
        let count = if rng.random_bool(0.5) { rng.random_range(1..=40) } else { rng.random_range(1..=1 << 13) };
        // Next to the end of the lower half of the address too.
        let from: u64 = if round % 3 == 0 { (1 << 32) - 8 * rng.random_range(1..100) } else { rng.random::<u64>() >> 1 & !7 };
        m.set(start, 1);
        m.set(address, from | rng.random_range(0..8));
        m.set(last, count - 1);
        m.tick();
        m.set(start, 0);
        m.set(address, rng.random());
        let full_rate = rng.random_bool(0.3);
        let (mut at, mut left, mut clocks, mut bursts) = (from, count, 0, 0);
        while left > 0 {
            let takes = full_rate || rng.random_bool(0.5);
            m.set(ready, takes.into());
            m.eval();
            if takes && m.get(valid) == 1 {
                let mut words = [0; 2];
                m.get_words(data, &mut words);
                let length = (words[1] & 0xff) + 1;
                assert_eq!(words[0], at);
                assert!(length <= left && length <= BURST_BEATS as u64);
                let end = at + 8 * length;
                assert!(length == left || end % (8 * BURST_BEATS as u64) == 0, "an inner burst ends at a boundary");
                assert_eq!(at / 128, (end - 1) / 128);
                left -= length;
                assert_eq!(words[1] >> 8, u64::from(left == 0), "the last one closes");
                at = end;
                bursts += 1;
            }
            assert_eq!(m.get(busy), 1);
            m.tick();
            clocks += 1;
            assert!(clocks < 100_000, "the transfer does not end");
        }
        assert_eq!(m.get(busy), 0);
        if full_rate {
            assert_eq!(clocks, bursts + 1, "a burst a clock");
        }
    }
}

#[test]
fn a_shelf_is_a_queue() {
    let mut rng = rng();
    let mut m = model("shelf", Shelf::<Bits<8>, 4, 5>::default());
    let port = |name: &str| m.port(name);
    let (push, pushes, takes_in) = (port("s_axis_data"), port("s_axis_valid"), port("s_axis_ready"));
    let (word, has, take, fill) = (port("m_axis_data"), port("m_axis_valid"), port("m_axis_ready"), port("fill"));
    let mut queue = VecDeque::new();
    m.set(m.port("reset"), 1);
    m.tick();
    m.set(m.port("reset"), 0);
    for phase in 0..40 {
        let (in_rate, out_rate) = [(1.0, 1.0), (0.9, 0.2), (0.2, 0.9), (0.5, 0.5)][phase % 4];
        for _ in 0..200 {
            let (value, offers, wants) = (rng.random::<u8>(), rng.random_bool(in_rate), rng.random_bool(out_rate));
            m.set(push, value.into());
            m.set(pushes, offers.into());
            m.set(take, wants.into());
            m.eval();
            assert_eq!(m.get(fill), queue.len() as u64);
            assert_eq!(m.get(takes_in), u64::from(queue.len() < 16));
            assert_eq!((m.get(has) == 1).then(|| m.get(word) as u8), queue.front().copied());
            let goes_in = offers && queue.len() < 16;
            if wants {
                queue.pop_front();
            }
            if goes_in {
                queue.push_back(value);
            }
            m.tick();
        }
    }
}

#[test]
fn lut_ram_is_the_same_in_both_simulators() {
    let mut rng = rng();
    let mut m = model("lut_memory", LutMemory::<Bits<8>, 3>::default());
    let mut bench = Bench::new(LutMemory::<Bits<8>, 3>::default(), |dut| &mut dut.clock);
    for _ in 0..300 {
        let (wen, waddr, wdata, raddr) =
            (rng.random::<bool>(), rng.random_range(0..8_u64), rng.random::<u8>(), rng.random_range(0..8_u64));
        bench.dut.wen.next = wen;
        bench.dut.waddr.next = waddr.into();
        bench.dut.wdata.next = u64::from(wdata).into();
        bench.dut.raddr.next = raddr.into();
        for (name, value) in [("wen", wen.into()), ("waddr", waddr), ("wdata", wdata.into()), ("raddr", raddr)] {
            m.set(m.port(name), value);
        }
        bench.tick();
        m.tick();
        assert_eq!(u64::from(bench.dut.rdata.val()), m.get(m.port("rdata")));
    }
}

#[test]
fn a_bank_is_the_same_in_both_simulators() {
    let mut rng = rng();
    let mut m = model("bank", Bank::<96, 2>::default());
    let mut bench = Bench::new(Bank::<96, 2>::default(), |dut| &mut dut.clock);
    let mut words = [0_u32; 3];
    for i in 0..300 {
        let (reset, wen, index, wdata) =
            (i == 0 || rng.random_bool(0.02), rng.random::<bool>(), rng.random_range(0..4_usize), rng.random::<u32>());
        bench.dut.reset.next = reset;
        bench.dut.wen.next = wen;
        bench.dut.index.next = (index as u64).into();
        bench.dut.wdata.next = u64::from(wdata).into();
        for (name, value) in [("reset", reset.into()), ("wen", wen.into()), ("index", index as u64), ("wdata", wdata.into())] {
            m.set(m.port(name), value);
        }
        bench.tick();
        m.tick();
        if reset {
            words = [0; 3];
        } else if let (true, Some(word)) = (wen, words.get_mut(index)) {
            *word = wdata;
        }
        let mut verilog = [0; 2];
        m.get_words(m.port("words"), &mut verilog);
        assert_eq!(verilog, [u64::from(words[1]) << 32 | u64::from(words[0]), words[2].into()]);
        for (at, word) in words.iter().enumerate() {
            assert_eq!(u64::from(bench.dut.words.val().get_bits::<32>(32 * at)), u64::from(*word));
        }
    }
}

#[test]
fn the_register_map_is_the_same_in_both_simulators() {
    let mut m = model("map", Map::new(&GEOMETRY));
    let mut bench = Bench::new(Map::new(&GEOMETRY), |dut| &mut dut.clock);
    let lines = map::lines(&GEOMETRY);
    m.set(m.port("look"), 1);
    bench.dut.look.next = true;
    for at in 0..(regs::BAR_BYTES / 4) as u64 {
        m.set(m.port("write_at"), at);
        m.set(m.port("read_at"), at);
        bench.dut.write_at.next = at.into();
        bench.dut.read_at.next = at.into();
        m.tick();
        bench.tick();
        let verilog = ["mask", "kind", "identity"].map(|name| m.get(m.port(name)));
        let rust: [u64; 3] = [bench.dut.mask.val().into(), bench.dut.kind.val().into(), bench.dut.identity.val().into()];
        assert_eq!(verilog, rust, "register {at}");
        let line = lines.iter().find(|line| u64::from(line.at) == at);
        assert_eq!(verilog[1], line.map_or(Kind::Nothing, |line| line.kind) as u64);
        assert_eq!(verilog[0], line.map_or(0, |line| u64::from(line.mask)));
    }
}

#[test]
fn turns_go_round() {
    let mut m = model("turn", Turn::default());
    let port = |name: &str| m.port(name);
    let (last, choice, found) = (port("last"), port("choice"), port("found"));
    let wants = [port("wants_0"), port("wants_1"), port("wants_2")];
    for before in 0..3 {
        for mask in 0..8_u64 {
            m.set(last, before);
            for (i, want) in wants.iter().enumerate() {
                m.set(*want, mask >> i & 1);
            }
            m.eval();
            let next = (1..=3).map(|step| (before + step) % 3).find(|who| mask >> who & 1 == 1);
            assert_eq!(m.get(found), u64::from(next.is_some()));
            assert_eq!(m.get(choice), next.unwrap_or(before));
        }
    }
}
