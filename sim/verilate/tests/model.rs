//! Models are built, cached, loaded and driven through every storage class Verilator has.

use std::path::Path;
use std::time::Instant;

use fpgaflow_verilate::{Direction, Error, Model, Source, Trace};

/// An output register behind an input for each storage class, and a combinational path.
const WIDTHS: [u32; 9] = [1, 8, 9, 16, 32, 33, 64, 65, 577];

fn mirror() -> String {
    let mut ports = vec!["input wire clock".to_owned()];
    let mut body = String::new();
    for w in WIDTHS {
        ports.push(format!("input wire [{m}:0] in{w}, output reg [{m}:0] out{w}, output wire [{m}:0] not{w}", m = w - 1));
        body += &format!("always @(posedge clock) out{w} <= in{w};\nassign not{w} = ~in{w};\n");
    }
    format!("module mirror({});\n{body}endmodule\n", ports.join(", "))
}

/// A value of `width` bits, as 64-bit words, different in every word.
fn sample(width: u32, seed: u64) -> Vec<u64> {
    let words = width.div_ceil(64);
    let mut value: Vec<u64> = (0..u64::from(words)).map(|i| (seed + i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    cut(&mut value, width);
    value
}

fn cut(value: &mut [u64], width: u32) {
    if !width.is_multiple_of(64) {
        *value.last_mut().expect("at least one word") &= (1 << (width % 64)) - 1;
    }
}

#[test]
fn every_width_is_stored_and_read_back() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    for round in 0..20 {
        for w in WIDTHS {
            let (input, output, not) = (m.port(&format!("in{w}")), m.port(&format!("out{w}")), m.port(&format!("not{w}")));
            assert_eq!(m.width(input), w);
            let value = sample(w, round);
            m.set_words(input, &value);
            m.tick();
            let mut seen = vec![0; value.len() + 1];
            m.get_words(output, &mut seen);
            assert_eq!(seen[..value.len()], value, "width {w}");
            assert_eq!(seen[value.len()], 0, "width {w}");
            assert_eq!(m.get(output), value[0], "width {w}");
            m.get_words(not, &mut seen);
            let mut inverted: Vec<u64> = value.iter().map(|word| !word).collect();
            cut(&mut inverted, w);
            assert_eq!(seen[..value.len()], inverted, "width {w}");
        }
    }
    Ok(())
}

#[test]
fn bytes_are_the_words_in_little_endian_order_whatever_their_number() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    for w in WIDTHS {
        let (input, output) = (m.port(&format!("in{w}")), m.port(&format!("out{w}")));
        let bytes: Vec<u8> = sample(1024, w.into()).iter().flat_map(|word| word.to_le_bytes()).collect();
        for count in 0..=w as usize / 8 + 10 {
            m.set_bytes(input, &bytes[..count]);
            m.tick();
            let mut value: Vec<u64> = vec![0; w.div_ceil(64) as usize];
            for (index, byte) in bytes[..count].iter().enumerate().take(8 * value.len()) {
                value[index / 8] |= u64::from(*byte) << (8 * (index % 8));
            }
            cut(&mut value, w);
            let mut words = vec![u64::MAX; value.len()];
            m.get_words(output, &mut words);
            assert_eq!(words, value, "{count} bytes to width {w}");
            let mut seen = vec![0xff; count];
            m.get_bytes(output, &mut seen);
            let expected = value.iter().flat_map(|word| word.to_le_bytes()).chain(std::iter::repeat(0));
            assert_eq!(seen, expected.take(count).collect::<Vec<u8>>(), "{count} bytes from width {w}");
        }
    }
    Ok(())
}

#[test]
fn a_value_is_cut_to_the_width_of_its_port() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    for w in WIDTHS {
        let (input, output) = (m.port(&format!("in{w}")), m.port(&format!("out{w}")));
        m.set_words(input, &[u64::MAX; 12]);
        m.tick();
        let mut expected = vec![u64::MAX; w.div_ceil(64) as usize];
        cut(&mut expected, w);
        let mut seen = vec![0; expected.len()];
        m.get_words(output, &mut seen);
        assert_eq!(seen, expected, "width {w}");
        m.set(input, u64::MAX);
        m.tick();
        expected[1..].fill(0);
        m.get_words(output, &mut seen);
        assert_eq!(seen, expected, "width {w}: `set` clears what is above 64 bits");
    }
    Ok(())
}

#[test]
fn combinational_outputs_follow_eval_and_registers_do_not() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    let (input, output, not) = (m.port("in8"), m.port("out8"), m.port("not8"));
    m.set(input, 0x5A);
    m.tick();
    m.set(input, 0x0F);
    m.eval();
    assert_eq!(m.get(not), 0xF0);
    assert_eq!(m.get(output), 0x5A);
    assert_eq!(m.clocks(), 1);
    Ok(())
}

#[test]
fn two_instances_share_nothing() -> Result<(), Error> {
    let source = Source::new(mirror(), "mirror");
    let (mut a, mut b) = (Model::build(&source)?, Model::build(&source)?);
    let (input, output) = (a.port("in32"), a.port("out32"));
    a.set(input, 1);
    b.set(input, 2);
    a.tick();
    b.tick();
    assert_eq!((a.get(output), b.get(output)), (1, 2));
    drop(a);
    b.tick();
    assert_eq!(b.get(output), 2);
    Ok(())
}

#[test]
fn a_model_moves_between_threads() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    let (input, output) = (m.port("in16"), m.port("out16"));
    m.set(input, 7);
    let m = std::thread::spawn(move || {
        m.tick();
        m
    });
    assert_eq!(m.join().expect("the thread ends").get(output), 7);
    Ok(())
}

#[test]
fn a_missing_port_is_named_with_those_there_are() -> Result<(), Error> {
    let m = Model::build(&Source::new("module one(input wire clock, output wire q); assign q = clock; endmodule", "one"))?;
    let error = m.find_port("reset").expect_err("there is no reset");
    assert_eq!(error.to_string(), "no port reset on one; there are clock, q");
    let ports: Vec<_> = m.ports().collect();
    assert_eq!(ports, [("clock", Direction::Input, 1), ("q", Direction::Output, 1)]);
    Ok(())
}

#[test]
fn verilog_that_does_not_parse_is_refused_with_its_line() {
    let error = Model::build(&Source::new("module broken(input wire a);\n  asign b = a;\nendmodule\n", "broken"));
    let text = error.expect_err("no Verilog").to_string();
    assert!(text.contains("run verilator") && text.contains("broken.v:2"), "{text}");
}

#[test]
fn a_latch_is_refused() {
    let verilog = "module latch(input wire clock, input wire d, output reg q);\n\
                   always @(*) if (clock) q = d;\nendmodule\n";
    let error = Model::build(&Source::new(verilog, "latch"));
    let text = error.expect_err("a latch").to_string();
    assert!(text.contains("LATCH"), "{text}");
}

#[test]
fn waveforms_hold_the_ports_of_every_clock() -> Result<(), Box<dyn std::error::Error>> {
    for (trace, name) in [(Trace::Vcd, "wave.vcd"), (Trace::Fst, "wave.fst")] {
        let mut m = Model::build(&Source::new(mirror(), "mirror").with_trace(trace))?;
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let input = m.port("in8");
        m.trace(&path)?;
        assert!(m.trace(&path).is_err(), "one waveform at a time");
        for value in 0..5 {
            m.set(input, value);
            m.tick();
        }
        m.end_trace();
        let bytes = std::fs::read(&path)?;
        assert!(bytes.len() > 500, "{name} has {} bytes", bytes.len());
        if trace == Trace::Vcd {
            let text = String::from_utf8(bytes)?;
            assert!(text.contains("out577") && text.contains("\n#9\n"), "{text}");
        }
    }
    Ok(())
}

#[test]
fn a_model_without_waveforms_says_so() -> Result<(), Error> {
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    let error = m.trace(Path::new("unused.vcd")).expect_err("built without");
    assert!(error.to_string().contains("built without waveforms"), "{error}");
    Ok(())
}

#[test]
fn driving_ports_costs_little_beside_the_model() -> Result<(), Error> {
    const CLOCKS: u32 = 200_000;
    let mut m = Model::build(&Source::new(mirror(), "mirror"))?;
    let ports: Vec<_> = WIDTHS.iter().map(|w| (m.port(&format!("in{w}")), m.port(&format!("out{w}")))).collect();
    let begin = Instant::now();
    let mut sum = 0_u64;
    for clock in 0..u64::from(CLOCKS) {
        for (input, output) in &ports {
            m.set(*input, clock);
            sum = sum.wrapping_add(m.get(*output));
        }
        m.tick();
    }
    let rate = f64::from(CLOCKS) / begin.elapsed().as_secs_f64();
    println!("{rate:.0} clocks/s with {} port accesses a clock (sum {sum})", 2 * ports.len());
    // Far below what is measured (millions), so that a busy machine does not fail it; a lookup by name a clock would.
    assert!(rate > 100_000.0, "{rate:.0} clocks/s");
    Ok(())
}

#[test]
fn bits_of_a_memory_are_read_and_turned_around_where_it_stores_them() -> Result<(), Error> {
    let mut ports = vec!["input wire clock".to_owned()];
    let mut body = String::new();
    for w in WIDTHS {
        ports.push(format!(
            "input wire wen{w}, input wire [1:0] at{w}, input wire [{m}:0] in{w}, output reg [{m}:0] out{w}",
            m = w - 1
        ));
        body += &format!(
            "reg [{m}:0] mem{w} [0:3];\nalways @(posedge clock) begin if (wen{w}) mem{w}[at{w}] <= in{w}; out{w} <= mem{w}[at{w}]; end\n",
            m = w - 1
        );
    }
    let source = Source::new(format!("module memories({});\n{body}endmodule\n", ports.join(", ")), "memories");
    let mut m = Model::build(&source)?;
    for w in WIDTHS {
        let [wen, at, input, output] = ["wen", "at", "in", "out"].map(|name| m.port(&format!("{name}{w}")));
        let memory = m.find_memory(&format!("mem{w}"))?;
        assert_eq!(m.memory_shape(memory), (w, 4));
        let rows: Vec<_> = (0..4).map(|row| sample(w, row)).collect();
        m.set(wen, 1);
        for (row, value) in rows.iter().enumerate() {
            m.set(at, row as u64);
            m.set_words(input, value);
            m.tick();
        }
        m.set(wen, 0);
        for bit in [0, w / 2, w - 1] {
            let was = m.memory_bit(memory, 2, bit);
            assert_eq!(was, rows[2][bit as usize / 64] >> (bit % 64) & 1 == 1, "bit {bit} of {w}");
            m.flip_memory_bit(memory, 2, bit);
            for (row, value) in rows.iter().enumerate() {
                let mut expected = value.clone();
                expected[bit as usize / 64] ^= u64::from(row == 2) << (bit % 64);
                m.set(at, row as u64);
                m.tick();
                let mut seen = vec![0; value.len()];
                m.get_words(output, &mut seen);
                assert_eq!(seen, expected, "row {row}, bit {bit} of {w}");
            }
            m.flip_memory_bit(memory, 2, bit);
            assert_eq!(m.memory_bit(memory, 2, bit), was);
        }
    }
    let error = m.find_memory("mem").expect_err("there is none of that name");
    assert!(error.to_string().starts_with("no memory mem in memories; there are mem1, mem8"), "{error}");
    Ok(())
}
