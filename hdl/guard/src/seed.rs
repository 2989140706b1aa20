//! Randomness of tests: printed, and replayed when asked.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Set to a printed seed, replays that run.
pub const SEED_VARIABLE: &str = "FPGAFLOW_SEED";

/// A generator with the seed the environment gives, or a new one; prints it.
///
/// # Panics
/// If the variable is set to something that is no number.
pub fn rng() -> ChaCha8Rng {
    let seed = match env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE}={text} is not a number")),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| u64::from(now.subsec_nanos())),
    };
    println!("{SEED_VARIABLE}={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}
