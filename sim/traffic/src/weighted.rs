//! Values that are drawn in proportion to weights.

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand_chacha::ChaCha8Rng;

/// Values and how often each is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Weighted<T> {
    values: Vec<T>,
    weights: WeightedIndex<u32>,
}

impl<T: Copy + PartialEq> Weighted<T> {
    /// Draws each value in proportion to its weight; those without any are left out. `what` names them when none is left.
    pub fn new(what: &str, values: impl IntoIterator<Item = (T, u32)>) -> Self {
        let (values, weights): (Vec<_>, Vec<_>) = values.into_iter().filter(|(_, weight)| *weight > 0).unzip();
        let weights = WeightedIndex::new(weights).unwrap_or_else(|_| panic!("{what} with a weight above zero: there is none"));
        Self { values, weights }
    }

    pub fn draw(&self, rng: &mut ChaCha8Rng) -> T {
        self.values[self.weights.sample(rng)]
    }

    /// Values that can be drawn.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values that `keep` keeps, weighted as they were.
    pub fn only(&self, what: &str, keep: impl Fn(T) -> bool) -> Self {
        let weighted = self.values.iter().copied().zip(self.weights.weights());
        Self::new(what, weighted.filter(|(value, _)| keep(*value)))
    }
}
