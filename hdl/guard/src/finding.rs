//! What a guard reports.

use std::fmt;

/// A construct that compiles and gives wrong hardware, or that rust-hdl refuses late and unclearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trap {
    /// Rust and Verilog group the operators differently: `a & m == b`.
    Precedence,
    /// Verilog computes wider than Rust and keeps a carry, a borrow or inverted bits that are then looked at.
    Width,
    /// A cast to more bits takes the carry along: `bit_cast::<16, 8>(a + b)`.
    WideningCast,
    /// A reduction runs over more bits than the operand has in Rust: `(a | 0x0F).all()`.
    Reduction,
    /// `a..=b` is emitted as `a..b`.
    InclusiveRange,
    /// A guard of a match arm is dropped.
    MatchGuard,
    /// A function whose name starts like a cast is taken for one.
    CastName,
    /// A Rust identifier that Verilog does not know.
    Leak,
    /// A loop variable has the name of a signal: Verilog gets its value wherever the signal is meant.
    LoopVariable,
    /// Two dimensions: only the first index is replaced.
    TwoDimensions,
    /// Bits that keep an old value on some path.
    Latch,
    /// An index that is neither a literal nor made from loop variables.
    DynamicIndex,
    /// Bits are selected from something that is not a signal.
    SelectBase,
    /// A construct rust-hdl cannot translate.
    Untranslatable,
}

/// One trap, found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// What it is.
    pub trap: Trap,
    /// In which block or file and line.
    pub place: String,
    /// The offending expression and what is wrong with it.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.place, self.trap, self.detail)
    }
}

/// Findings one a line, for a test's message.
pub fn listing(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("  {finding}\n")).collect()
}
