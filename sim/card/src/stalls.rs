//! When an interface pauses: never, or at random from a seed.

/// Decides, clock by clock, whether an interface pauses. Cheap enough for every interface in every clock.
#[derive(Debug, Clone)]
pub struct Stalls {
    state: u64,
    /// Pauses when a random 16-bit number is below this.
    below: u64,
}

impl Stalls {
    /// Never pauses.
    pub const NEVER: Self = Self { state: 1, below: 0 };

    /// Pauses in `percent` of all clocks, as `seed` decides.
    pub fn random(seed: u64, percent: u32) -> Self {
        // An xorshift generator must not start at zero.
        Self { state: seed | 1, below: u64::from(percent.min(99)) * 65536 / 100 }
    }

    /// Whether to pause in this clock.
    #[inline]
    pub fn pause(&mut self) -> bool {
        if self.below == 0 {
            return false;
        }
        // xorshift64 (Marsaglia, 2003).
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 24) & 0xffff < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_replay_from_their_seed_and_keep_their_rate() {
        let mut a = Stalls::random(7, 30);
        let mut b = Stalls::random(7, 30);
        let paused = (0..100_000).filter(|_| {
            let pause = a.pause();
            assert_eq!(pause, b.pause());
            pause
        });
        let paused = paused.count();
        assert!((28_000..32_000).contains(&paused), "{paused} pauses of 100000");
        assert!(!(0..1000).any(|_| Stalls::NEVER.clone().pause()));
    }
}
