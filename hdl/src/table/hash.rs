//! The keyed hash of [`fpgaflow_abi::hash`] in four clocks.
//!
//! ```text
//!                    +-----------+
//!  key_valid, key -->| KeyedHash |--> hash
//!  secret ---------->|           |
//!                    +-----------+
//! ```
//! Latency [`LATENCY`] clocks, one key a clock, or in three with [`Pace::Seldom`]. `hash` is that of the key with `key_valid` four clocks ago; in other clocks it
//! is not defined.
//!
//! Bit `j` of the key adds the 48 bits of the secret that start at bit `j`. The first clock adds up groups of [`GROUP`] key
//! bits, which is three levels of 4-input LUTs, the second the groups; two more are for synthesis to move registers into. `key_valid` gates the first: a simulator skips the tree
//! when there is no key, hardware toggles nothing. The groups above an IPv4 key are switched off by the key's family, so an IPv4 key
//! must be zero there.

use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{FAMILY, KEY_BITS_V4};

use super::serial_hash;
use crate::prelude::*;
use crate::prim::Pace;
use crate::prim::xor_tree::xor_tree;

/// Clocks from key to hash.
pub const LATENCY: usize = 4;
/// Key bits that the first clock adds into one group.
const GROUP: usize = 32;

/// Bits of the words that the windows are cut from, for simulators to do so in one machine word: logic makes no difference of it.
const WORD: usize = 64;
/// Key bits whose windows are in one word.
const STEP: usize = 16;

const _: () = assert!(STEP + HASH_BITS <= WORD);
const _: () = assert!(KEY_BITS_V4.is_multiple_of(GROUP), "a group belongs to one family or to both");

/// Hash of keys of `KEY` bits under a secret of `SECRET` bits, which must be `KEY + HASH_BITS - 1`.
#[derive(LogicBlock)]
pub struct KeyedHash<const KEY: usize, const SECRET: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// There is a key in this clock.
    pub key_valid: Signal<In, Bit>,
    /// The key, from a flip-flop.
    pub key: Signal<In, Bits<KEY>>,
    /// The secret: a quasi-static register.
    pub secret: Signal<In, Bits<SECRET>>,
    /// The hash of the key of four clocks ago.
    pub hash: Signal<Out, Bits<HASH_BITS>>,
    _keys: Pace,
    _bits: usize,
    /// Simulation only: hashes on their way, the newest first.
    _sums: [Bits<HASH_BITS>; LATENCY - 1],
}

impl<const KEY: usize, const SECRET: usize> KeyedHash<KEY, SECRET> {
    /// For keys of this pace, seldom ones take a third of the logic (see `serial_hash`), and the lowest `bits` of a hash; the others are 0.
    ///
    /// # Panics
    /// When `SECRET` does not fit `KEY`.
    pub fn new(keys: Pace, bits: usize) -> Self {
        assert!(SECRET == KEY + HASH_BITS - 1, "KeyedHash: a key of {KEY} bits needs {} bits of secret", KEY + HASH_BITS - 1);
        Self {
            clock: Signal::default(),
            key_valid: Signal::default(),
            key: Signal::default(),
            secret: Signal::default(),
            hash: Signal::default(),
            _keys: keys,
            _bits: bits,
            _sums: Default::default(),
        }
    }
}

impl<const KEY: usize, const SECRET: usize> Default for KeyedHash<KEY, SECRET> {
    fn default() -> Self {
        Self::new(Pace::EveryClock, HASH_BITS)
    }
}

impl<const KEY: usize, const SECRET: usize> Logic for KeyedHash<KEY, SECRET> {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        self.hash.next = self._sums[LATENCY - 2];
        self._sums.copy_within(..LATENCY - 2, 1);
        if self.key_valid.val() {
            let (key, secret) = (self.key.val(), self.secret.val());
            self._sums[0] = (0..KEY)
                .filter(|&bit| key.get_bit(bit))
                .fold(Bits::default(), |sum, bit| sum ^ secret.get_bits::<HASH_BITS>(bit));
        }
    }

    fn connect(&mut self) {
        self.hash.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(match self._keys {
            Pace::EveryClock => Self::plain(),
            Pace::Seldom => serial_hash::body(KEY, SECRET, self._bits),
        })
    }
}

impl<const KEY: usize, const SECRET: usize> KeyedHash<KEY, SECRET> {
    fn plain() -> String {
        let bits: Vec<usize> = (0..KEY).collect();
        let groups: Vec<&[usize]> = bits.chunks(GROUP).collect();
        let mut words = String::new();
        for word in 0..KEY.div_ceil(STEP) {
            let top = (STEP * word + WORD).min(SECRET) - 1;
            words += &format!("wire [{msb}:0] secret_{word} = secret[{top}:{low}];\n", msb = WORD - 1, low = STEP * word);
        }
        let mut registers = String::new();
        let (mut sums, mut sums_v6, mut zeros_v4) = (String::new(), String::new(), String::new());
        for (group, bits) in groups.iter().enumerate() {
            let windows = bits.iter().map(|&bit| {
                let (word, at) = (bit / STEP, bit % STEP);
                format!("(key[{bit}] ? secret_{word} >> {at} : {WORD}'d0)")
            });
            registers += &format!("reg [{msb}:0] sum{group}_s1;\n", msb = HASH_BITS - 1);
            // Cut to the register's width: what the windows have above it is that of no key bit.
            let sum = format!("sum{group}_s1 <= {};\n", xor_tree(windows.collect()));
            if bits[0] < KEY_BITS_V4 {
                sums += &format!("        {sum}");
            } else {
                sums_v6 += &format!("            {sum}");
                zeros_v4 += &format!("            sum{group}_s1 <= {HASH_BITS}'d0;\n");
            }
        }
        if !sums_v6.is_empty() {
            let family = FAMILY.lsb;
            sums += &format!("        if (key[{family}]) begin\n{sums_v6}        end else begin\n{zeros_v4}        end\n");
        }
        let hash = xor_tree((0..groups.len()).map(|group| format!("sum{group}_s1")).collect());
        format!(
            "\
{words}{registers}reg [{msb}:0] hash_s2, hash_s3;

always @(posedge clock) begin
    if (key_valid) begin
{sums}    end
    hash_s2 <= {hash};
    hash_s3 <= hash_s2;
    hash <= hash_s3;
end
",
            msb = HASH_BITS - 1,
        )
    }
}
