//! CRC-32/ISO-HDLC over 64-bit words, one a clock, or over halves of words.
//!
//! ```text
//!  clear, word_valid, word -->[ Crc32 ]--> mixed
//!  clear, half_valid, half -->[ Crc32Halves ]--> mixed
//! ```
//! Latency 2 clocks for words, 1 for halves. One a clock.
//!
//! # Contract
//! - `clear`, in a clock without a word and behind the last one of a sequence, begins a new sequence.
//! - `mixed` is the lower half of the last word (or the last half) XOR what the CRC of all before it is the complement of, as they lie
//!   little-endian in memory. So it is all ones when that half is the CRC, and the complement of the CRC when that half is zero.
//!
//! # How
//! What is kept is the state already mixed with the bits that come next, and the state in which nothing has come is the one that turns into the
//! initial one. The upper half of a word has a clock of its own: only the lower half waits for the state.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::prelude::*;

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// Initial state.
const ALL_ONES: u32 = u32::MAX;
/// Bits of a state and of half a word.
const STATE_BITS: usize = 32;
/// A pair of bits in at least so many parities is worth an exclusive-or of its own.
const SHARED_BY: usize = 3;

/// The state behind `bits` zeros.
fn shifted(state: u32, bits: usize) -> u32 {
    (0..bits).fold(state, |state, _| (state >> 1) ^ ((state & 1) * POLYNOMIAL))
}

/// The state that is the initial one behind `bits` zeros.
fn before_initial(bits: usize) -> u32 {
    (0..bits).fold(ALL_ONES, |state, _| if state >> 31 == 1 { (state ^ POLYNOMIAL) << 1 | 1 } else { state << 1 })
}

/// A state that goes on over zeros: 32 parities of it. Combinational.
///
/// Hand-written: parities that share their parts, which synthesis does not find by itself.
#[derive(LogicBlock)]
pub struct Shift {
    /// The state.
    pub state: Signal<In, Bits<STATE_BITS>>,
    /// The state behind the zeros.
    pub shifted: Signal<Out, Bits<STATE_BITS>>,
    _bits: usize,
}

impl Shift {
    /// Over `bits` zeros.
    pub fn new(bits: usize) -> Self {
        Self { state: Signal::default(), shifted: Signal::default(), _bits: bits }
    }

    /// The exclusive-ors that parities share, as pairs of terms, and the terms of every parity: bits of the state, then shared ones.
    fn terms(&self) -> (Vec<(usize, usize)>, Vec<BTreeSet<usize>>) {
        let mut rows: Vec<BTreeSet<usize>> = (0..STATE_BITS)
            .map(|row| (0..STATE_BITS).filter(|bit| shifted(1 << bit, self._bits) >> row & 1 == 1).collect())
            .collect();
        let mut shared = Vec::new();
        loop {
            let terms = STATE_BITS + shared.len();
            let pairs = (0..terms).flat_map(|a| (a + 1..terms).map(move |b| (a, b)));
            let users = |&(a, b): &(usize, usize)| rows.iter().filter(|row| row.contains(&a) && row.contains(&b)).count();
            // The first of the most used ones, so that the text is always the same.
            let best =
                pairs.map(|pair| (users(&pair), pair)).max_by_key(|&(users, (a, b))| (users, usize::MAX - a, usize::MAX - b));
            let Some((_, (a, b))) = best.filter(|(users, _)| *users >= SHARED_BY) else {
                return (shared, rows);
            };
            for row in rows.iter_mut().filter(|row| row.contains(&a) && row.contains(&b)) {
                row.remove(&a);
                row.remove(&b);
                row.insert(terms);
            }
            shared.push((a, b));
        }
    }
}

impl Logic for Shift {
    fn update(&mut self) {
        let state: u64 = self.state.val().into();
        self.shifted.next = u64::from(shifted(state as u32, self._bits)).into();
    }

    fn connect(&mut self) {
        self.shifted.connect();
    }

    fn hdl(&self) -> Verilog {
        let (shared, rows) = self.terms();
        let name = |term: usize| if term < STATE_BITS { format!("state[{term}]") } else { format!("part_{term}") };
        let mut text = String::new();
        for (i, (a, b)) in shared.iter().enumerate() {
            let _ = writeln!(text, "wire {} = {} ^ {};", name(STATE_BITS + i), name(*a), name(*b));
        }
        text += "always @(*) begin\n";
        for (i, row) in rows.iter().enumerate() {
            let terms: Vec<String> = row.iter().map(|term| name(*term)).collect();
            let _ = writeln!(text, "    shifted[{i}] = {};", terms.join(" ^ "));
        }
        Verilog::Custom(text + "end\n")
    }
}

/// Of 64-bit words.
#[derive(LogicBlock)]
pub struct Crc32 {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Begin a sequence.
    pub clear: Signal<In, Bit>,
    /// Take `word` in this clock.
    pub word_valid: Signal<In, Bit>,
    /// Eight bytes, the first the least significant.
    pub word: Signal<In, Bits<64>>,
    /// See the module.
    pub mixed: Signal<Out, Bits<STATE_BITS>>,
    clear_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,
    // The upper half of the word before; the lower half of the word with what that one does to it.
    upper: DFF<Bits<STATE_BITS>>,
    lower_s1: DFF<Bits<STATE_BITS>>,
    state_s2: DFF<Bits<STATE_BITS>>,
    over_half: Shift,
    over_word: Shift,
    nothing: Constant<Bits<STATE_BITS>>,
}

impl Default for Crc32 {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            clear: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            mixed: Signal::default(),
            clear_s1: DFF::default(),
            valid_s1: DFF::default(),
            upper: DFF::default(),
            lower_s1: DFF::default(),
            state_s2: DFF::default(),
            over_half: Shift::new(STATE_BITS),
            over_word: Shift::new(2 * STATE_BITS),
            nothing: Constant::new(u64::from(before_initial(2 * STATE_BITS)).into()),
        }
    }
}

impl Logic for Crc32 {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clear_s1, valid_s1, upper, lower_s1, state_s2);
        self.over_half.state.next = self.upper.q.val();
        self.over_word.state.next = self.state_s2.q.val();
        self.lower_s1.d.next = self.word.val().get_bits::<STATE_BITS>(0) ^ self.over_half.shifted.val();
        self.valid_s1.d.next = self.word_valid.val();
        self.clear_s1.d.next = self.clear.val();
        if self.word_valid.val() {
            self.upper.d.next = self.word.val().get_bits::<STATE_BITS>(32);
        }
        if self.clear.val() {
            self.upper.d.next = 0.into();
        }
        if self.valid_s1.q.val() {
            self.state_s2.d.next = self.lower_s1.q.val() ^ self.over_word.shifted.val();
        }
        if self.clear_s1.q.val() {
            self.state_s2.d.next = self.nothing.val();
        }
        self.mixed.next = self.state_s2.q.val();
    }
}

/// Of halves of 64-bit words, the lower half of each first.
#[derive(LogicBlock)]
pub struct Crc32Halves {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Begin a sequence.
    pub clear: Signal<In, Bit>,
    /// Take `half` in this clock.
    pub half_valid: Signal<In, Bit>,
    /// Four bytes, the first the least significant.
    pub half: Signal<In, Bits<STATE_BITS>>,
    /// See the module.
    pub mixed: Signal<Out, Bits<STATE_BITS>>,
    state: DFF<Bits<STATE_BITS>>,
    over_half: Shift,
    nothing: Constant<Bits<STATE_BITS>>,
}

impl Default for Crc32Halves {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            clear: Signal::default(),
            half_valid: Signal::default(),
            half: Signal::default(),
            mixed: Signal::default(),
            state: DFF::default(),
            over_half: Shift::new(STATE_BITS),
            nothing: Constant::new(u64::from(before_initial(STATE_BITS)).into()),
        }
    }
}

impl Logic for Crc32Halves {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.over_half.state.next = self.state.q.val();
        if self.half_valid.val() {
            self.state.d.next = self.half.val() ^ self.over_half.shifted.val();
        }
        if self.clear.val() {
            self.state.d.next = self.nothing.val();
        }
        self.mixed.next = self.state.q.val();
    }
}
