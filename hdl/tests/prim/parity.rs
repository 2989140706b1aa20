//! Parity: what it sees and what it costs.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::prim::ParityCheck;
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::lockstep::Lockstep;
use crate::{drive, same};

/// What a table does: rows in, rows and their health out.
#[derive(LogicBlock, Default)]
pub struct Table<const STORED: usize, const AW: usize> {
    pub clock: Signal<In, Clock>,
    pub wen: Signal<In, Bit>,
    pub waddr: Signal<In, Bits<AW>>,
    pub row: Signal<In, Bits<STORED>>,
    pub ren: Signal<In, Bit>,
    pub raddr: Signal<In, Bits<AW>>,
    pub rdata: Signal<Out, Bits<STORED>>,
    pub bad: Signal<Out, Bit>,
    parity: AddParity<STORED>,
    rows: ParityRam<STORED, AW>,
}

impl<const STORED: usize, const AW: usize> Logic for Table<STORED, AW> {
    #[hdl_gen]
    fn update(&mut self) {
        self.rows.clock.next = self.clock.val();
        self.rows.wen.next = self.wen.val();
        self.rows.waddr.next = self.waddr.val();
        self.parity.row.next = self.row.val();
        self.rows.wdata.next = self.parity.stored.val();
        self.rows.ren.next = self.ren.val();
        self.rows.raddr.next = self.raddr.val();
        self.rdata.next = self.rows.rdata.val();
        self.bad.next = self.rows.bad.val();
    }
}

#[test]
fn parity_blocks_are_clean() {
    check_block("add_parity", AddParity::<306>::default, Expect::rams(0));
    check_block("parity_check", ParityCheck::<306>::default, Expect::rams(0));
    check_block("parity_table", Table::<306, 9>::default, Expect::rams(1).with_bits(306 << 9));
}

#[test]
fn rust_and_verilog_agree_on_rows_and_their_parity() {
    let mut rng = rng();
    let mut pair = Lockstep::<Table<41, 2>>::new("parity41", |dut| &mut dut.clock);
    for clock in 0..3000 {
        drive!(pair, wen = rng.random::<bool>());
        drive!(pair, waddr = rng.random_range(0..4_u64));
        drive!(pair, row = rng.random_range(0..1_u64 << 41));
        drive!(pair, ren = true);
        drive!(pair, raddr = rng.random_range(0..4_u64));
        pair.tick();
        if clock >= 2 {
            same!(pair, rdata);
            assert_eq!(same!(pair, bad), 0, "rows that were written, and those that never were, are good");
        }
    }
}

/// The table of `STORED` bits and four rows, with rows at random.
struct Rows {
    model: Model,
    rdata: Port,
    bad: Port,
    rows: Vec<Vec<u64>>,
}

impl Rows {
    fn new<const STORED: usize>(rng: &mut ChaCha8Rng) -> Self {
        let mut model = model(&format!("parity{STORED}_rows"), Table::<STORED, 2>::default());
        let [wen, waddr, row, ren, rdata, bad] = ["wen", "waddr", "row", "ren", "rdata", "bad"].map(|name| model.port(name));
        let words = STORED.div_ceil(64);
        let rows: Vec<Vec<u64>> = (0..4).map(|_| (0..words).map(|_| rng.random()).collect()).collect();
        model.set(wen, 1);
        for (at, words) in rows.iter().enumerate() {
            model.set(waddr, at as u64);
            model.set_words(row, words);
            model.tick();
        }
        model.set(wen, 0);
        model.set(ren, 1);
        Self { model, rdata, bad, rows }
    }

    /// Whether row `at` is bad, and what it reads as, without its parity.
    fn read(&mut self, at: u64, row_bits: usize) -> (bool, Vec<u64>) {
        let raddr = self.model.port("raddr");
        self.model.set(raddr, at);
        for _ in 0..3 {
            self.model.tick();
        }
        let mut words = vec![0; self.rows[0].len()];
        self.model.get_words(self.rdata, &mut words);
        (self.model.get(self.bad) == 1, cut(words, row_bits))
    }
}

fn cut(mut words: Vec<u64>, bits: usize) -> Vec<u64> {
    for (at, word) in words.iter_mut().enumerate() {
        let left = bits.saturating_sub(64 * at);
        *word &= if left >= 64 { u64::MAX } else { (1 << left) - 1 };
    }
    words
}

fn sees_every_flip<const STORED: usize>() {
    let mut rng = rng();
    let mut rows = Rows::new::<STORED>(&mut rng);
    let row_bits = STORED - PARITY_BITS;
    let memory = rows.model.find_memory("rows.rows.memory.mem").unwrap();
    assert_eq!(rows.model.memory_shape(memory), (STORED as u32, 4));
    for at in 0..4 {
        let expected = cut(rows.rows[at as usize].clone(), row_bits);
        assert_eq!(rows.read(at, row_bits), (false, expected.clone()), "row {at} is good");
        for bit in 0..STORED as u32 {
            rows.model.flip_memory_bit(memory, at as u32, bit);
            assert!(rows.read(at, row_bits).0, "bit {bit} of {STORED} flipped");
            if bit + 1 < STORED as u32 {
                rows.model.flip_memory_bit(memory, at as u32, bit + 1);
                assert!(rows.read(at, row_bits).0, "bits {bit} and the next of {STORED} flipped");
                assert!(!rows.read((at + 1) % 4, row_bits).0, "the other rows are good");
                rows.model.flip_memory_bit(memory, at as u32, bit + 1);
            }
            rows.model.flip_memory_bit(memory, at as u32, bit);
        }
        assert_eq!(rows.read(at, row_bits), (false, expected), "row {at} is good again");
    }
}

/// Rows as wide as the tables' are: slots, next hops, entries of both families.
#[test]
fn every_flipped_bit_and_every_two_neighbours_are_seen() {
    sees_every_flip::<33>();
    sees_every_flip::<167>();
    sees_every_flip::<306>();
    sees_every_flip::<690>();
}
