//! How often what is put together from these blocks is asked: what a wide engine must do in every clock, a narrow one may do with less logic.

/// Clocks from one question to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// There may be one in every clock.
    EveryClock,
    /// The next is [`Self::SELDOM`] clocks behind one that matters, and never in the next clock. Others may come between that matter to nobody.
    Seldom,
}

impl Pace {
    /// Clocks between questions of [`Pace::Seldom`] at least.
    pub const SELDOM: usize = 5;

    /// Clocks that a write to a [`ParityRam`](super::ParityRam) read at this pace waits at most: one for its parity, one for a read.
    pub const fn write_waits(self) -> usize {
        match self {
            Self::EveryClock => 0,
            Self::Seldom => 2,
        }
    }
}
