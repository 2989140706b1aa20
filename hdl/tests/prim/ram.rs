//! RAMs: latency, transparency, capacity, and what they cost.

use std::collections::{HashMap, VecDeque};

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::prim::{Pace, RamShape, RamVariant, ecp5_blocks};
use fpgaflow_hdl_guard::synth::count_cells;
use fpgaflow_hdl_guard::{DP16KD, Expect, Model, check_block, model, rng, verilog};
use fpgaflow_verilate::Source;
use rand::RngExt;

use crate::lockstep::Lockstep;
use crate::{drive, same};

#[test]
fn rams_are_clean_and_one_memory_each() {
    check_block("memory", Memory::<Bits<313>, 10, false>::default, Expect::rams(1).with_bits(313 << 10));
    check_block("small_ram", SmallRam::<Bits<125>, 6>::default, Expect::rams(1).with_bits(125 << 6));
    check_block("ram_reg", RamReg::<Bits<313>, 10>::default, Expect::rams(1).with_bits(313 << 10));
}

/// 1024 x 313 bits are 18 blocks of 1024 x 18.
#[test]
fn a_ram_maps_to_block_ram_without_collision_logic_of_yosys() {
    for (name, text) in [
        ("ram_reg", verilog("ram_reg", RamReg::<Bits<313>, 10>::default())),
        ("memory", verilog("memory", Memory::<Bits<313>, 10, false>::default())),
    ] {
        assert_eq!(count_cells(&text, name, "synth_ecp5", "DP16KD").expect("yosys"), 18, "{name}");
    }
    let text = verilog("memory", Memory::<Bits<313>, 10, false>::default());
    assert_eq!(count_cells(&text, "memory", "synth_ecp5", "TRELLIS_FF").expect("yosys"), 0, "the memory alone needs none");
}

/// Reads and writes of a few words, with and without `ren`.
macro_rules! agreement {
    ($test:ident, $dut:ty, $name:literal, $latency:literal) => {
        #[test]
        fn $test() {
            let mut rng = rng();
            let mut pair = Lockstep::<$dut>::new($name, |dut| &mut dut.clock);
            let mut clocks_since_a_read = None;
            for _ in 0..3000 {
                drive!(pair, wen = rng.random::<bool>());
                drive!(pair, waddr = rng.random_range(0..8_u64));
                drive!(pair, wdata = rng.random_range(0..1_u64 << 40));
                let ren = rng.random::<bool>();
                drive!(pair, ren = ren);
                drive!(pair, raddr = rng.random_range(0..8_u64));
                pair.tick();
                clocks_since_a_read = clocks_since_a_read.map(|clocks| clocks + 1).or(ren.then_some(1));
                if clocks_since_a_read >= Some($latency) {
                    same!(pair, rdata);
                }
            }
        }
    };
}

agreement!(rust_and_verilog_agree_on_the_memory, Memory<Bits<40>, 3>, "memory40", 1);
agreement!(rust_and_verilog_agree_on_the_registered_memory, Memory<Bits<40>, 3, true>, "memory_reg40", 2);

/// Runs a RAM against a map in both simulators: few addresses, so that most reads meet a write around them. Reads in every clock, or
/// with gaps if the RAM has a `ren`.
macro_rules! transparency {
    ($test:ident, $dut:ty, $name:literal, $latency:literal $(, $ren:ident)?) => {
        #[test]
        fn $test() {
            let mut rng = rng();
            let mut pair = Lockstep::<$dut>::new($name, |dut| &mut dut.clock);
            let mut words = HashMap::new();
            let mut due = VecDeque::new();
            let mut collisions = 0;
            for clock in 0..4000_u32 {
                let (wen, waddr, raddr) = (rng.random::<bool>(), rng.random_range(0..4_u64), rng.random_range(0..4_u64));
                let wdata = rng.random_range(0..1_u64 << 40);
                drive!(pair, wen = wen);
                drive!(pair, waddr = waddr);
                drive!(pair, wdata = wdata);
                drive!(pair, raddr = raddr);
                let reads = [true $(, { let $ren = rng.random_bool(0.7); drive!(pair, $ren = $ren); $ren })?].into_iter().all(|on| on);
                if wen {
                    words.insert(waddr, wdata);
                    collisions += u32::from(reads && waddr == raddr);
                }
                // What this read must give is settled now: this clock's write counts, later ones do not.
                due.push_back(reads.then(|| words.get(&raddr).copied().unwrap_or(0)));
                pair.tick();
                if due.len() == $latency
                    && let Some(due) = due.pop_front().expect("just counted")
                {
                    assert_eq!(same!(pair, rdata), due, "clock {clock}");
                }
            }
            assert!(collisions > 300, "{collisions} reads of the word being written");
        }
    };
}

transparency!(a_small_ram_read_sees_the_write_of_its_clock_and_no_later_one, SmallRam<Bits<40>, 2>, "small_ram40", 1, ren);
transparency!(a_registered_read_sees_the_write_of_its_clock_and_no_later_one, RamReg<Bits<40>, 2>, "ram_reg40", 2, ren);

/// Reads in every other clock at most, writes in any but never in consecutive ones.
#[test]
fn a_write_waits_for_a_clock_without_a_read_where_reads_are_seldom() {
    let mut rng = rng();
    let make = || RamReg::<Bits<40>, 2>::new(Pace::Seldom);
    let mut pair = Lockstep::of("ram_reg_seldom", make, |dut| &mut dut.clock);
    let mut words = HashMap::new();
    let mut due = VecDeque::from([None]);
    let (mut has_read, mut late, mut waited) = (false, None, 0);
    for clock in 0..4000_u32 {
        let (waddr, raddr) = (rng.random_range(0..4_u64), rng.random_range(0..4_u64));
        let ren = !has_read && rng.random_bool(0.7);
        // A write that waits stands still.
        let write = late.is_none() && rng.random_bool(0.4);
        if write {
            let wdata = rng.random_range(0..1_u64 << 40);
            drive!(pair, waddr = waddr);
            drive!(pair, wdata = wdata);
            late = Some((waddr, wdata));
        }
        drive!(pair, wen = write);
        drive!(pair, ren = ren);
        drive!(pair, raddr = raddr);
        due.push_back(ren.then(|| words.get(&raddr).copied().unwrap_or(0)));
        if ren {
            waited += u32::from(late.is_some());
        } else if let Some((waddr, wdata)) = late.take() {
            words.insert(waddr, wdata);
        }
        has_read = ren;
        pair.tick();
        if let Some(due) = due.pop_front().expect("one is pushed a clock") {
            assert_eq!(same!(pair, rdata), due, "clock {clock}");
        }
    }
    assert!(waited > 300, "{waited} writes that waited");
}

/// What a wide word costs where reads are seldom: the register behind the memory, and no other of its width.
#[test]
fn a_ram_that_is_read_seldom_has_no_copies_of_its_words() {
    let text = verilog("ram_reg_seldom", RamReg::<Bits<313>, 10>::new(Pace::Seldom));
    let flip_flops = count_cells(&text, "ram_reg_seldom", "synth_ecp5", "TRELLIS_FF").expect("yosys");
    assert!(flip_flops < 2 * 313, "{flip_flops} flip-flops");
}

#[test]
fn the_deepest_memory_is_zero_at_first_and_keeps_every_word() {
    let mut m = model("deep", Memory::<Bits<20>, 20, false>::default());
    let [wen, waddr, wdata, ren, raddr, rdata] = ["wen", "waddr", "wdata", "ren", "raddr", "rdata"].map(|name| m.port(name));
    m.set(ren, 1);
    let last = (1_u64 << 20) - 1;
    let addresses: Vec<u64> = (0..=last).step_by(4099).chain([last]).collect();
    for address in &addresses {
        m.set(raddr, *address);
        m.tick();
        assert_eq!(m.get(rdata), 0, "address {address}");
    }
    m.set(wen, 1);
    for address in &addresses {
        m.set(waddr, *address);
        m.set(wdata, last - address);
        m.tick();
    }
    m.set(wen, 0);
    for address in &addresses {
        m.set(raddr, *address);
        m.tick();
        assert_eq!(m.get(rdata), last - address, "address {address}");
    }
}

#[test]
#[should_panic(expected = "address width 21 is not in 1..=20")]
fn a_memory_too_deep_is_refused() {
    let _ = Memory::<Bits<8>, 21, false>::default();
}

/// Every shape of an ECP5 block, filled and not, in one block and in several side by side.
const SHAPES: [(usize, usize); 8] = [(36, 512), (53, 16), (40, 256), (20, 1024), (13, 2048), (7, 4096), (3, 8192), (2, 16384)];
/// Bits of the widest word, and of the longest address.
const WIDEST: usize = 53;
const LONGEST: usize = 14;

/// All of [`SHAPES`], registered and not, in both variants side by side: bit `i` of `same` says that those of shape `i` agree.
fn both_variants(shapes: &[RamShape]) -> String {
    let mut out = format!("{DP16KD}{}", ecp5_blocks());
    let mut top = String::new();
    for (i, shape) in shapes.iter().enumerate() {
        let (data, address) = (shape.width - 1, shape.words.ilog2() - 1);
        for (name, variant) in [("generic", RamVariant::GENERIC), ("ecp5", RamVariant::Ecp5)] {
            out += &format!(
                "module {name}_{i}(input clock, input wen, input [{address}:0] waddr, input [{data}:0] wdata, input ren, \
                 input [{address}:0] raddr, output reg [{data}:0] rdata);\n{}endmodule\n",
                shape.body(variant)
            );
            top += &format!(
                "wire [{data}:0] {name}{i};\n{name}_{i} of_{name}{i}(.clock(clock), .wen(wen), .waddr(waddr[{address}:0]), \
                 .wdata(wdata[{data}:0]), .ren(ren), .raddr(raddr[{address}:0]), .rdata({name}{i}));\n"
            );
        }
        top += &format!("assign same[{i}] = generic{i} == ecp5{i};\n");
    }
    let (data, address, last) = (WIDEST - 1, LONGEST - 1, shapes.len() - 1);
    out + &format!(
        "module variants(input clock, input wen, input [{address}:0] waddr, input [{data}:0] wdata, input ren, input [{address}:0] raddr, \
         output [{last}:0] same);\n{top}endmodule\n"
    )
}

#[test]
fn blocks_of_an_ecp5_do_what_the_generic_ram_does() {
    let shapes: Vec<RamShape> =
        SHAPES.iter().flat_map(|&(width, words)| [false, true].map(|registered| RamShape { width, words, registered })).collect();
    let mut m = Model::build(&Source::new(both_variants(&shapes), "variants")).unwrap_or_else(|error| panic!("{error}"));
    let [wen, waddr, wdata, ren, raddr, same] = ["wen", "waddr", "wdata", "ren", "raddr", "same"].map(|name| m.port(name));
    let mut rng = rng();
    // Whether the word read last, and the one that is out, are defined.
    let (mut word, mut out) = (vec![false; shapes.len()], vec![false; shapes.len()]);
    let mut compared = vec![0; shapes.len()];
    for clock in 0..20_000 {
        // Few addresses, from all over.
        let mut address = || rng.random_range(0..16_u64) * 0x0457 % (1 << LONGEST);
        let (write_at, read_at) = (address(), address());
        let (writes, reads) = (rng.random::<bool>(), rng.random_bool(0.8));
        m.set(wen, writes.into());
        m.set(waddr, write_at);
        m.set(wdata, rng.random_range(0..1 << WIDEST));
        m.set(ren, reads.into());
        m.set(raddr, read_at);
        m.tick();
        let agreed = m.get(same);
        for (i, shape) in shapes.iter().enumerate() {
            let collide = writes && ((write_at ^ read_at) as usize).is_multiple_of(shape.words);
            let before = word[i];
            if reads {
                word[i] = !collide;
            }
            out[i] = if shape.registered { before } else { word[i] };
            compared[i] += u32::from(out[i]);
            assert!(!out[i] || agreed >> i & 1 == 1, "clock {clock}: {shape:?}");
        }
    }
    assert!(compared.iter().all(|clocks| *clocks > 10_000), "too few words were compared: {compared:?}");
}
