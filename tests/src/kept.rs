//! What left a card, in order, for tests that say themselves what should.

use fpgaflow_driver::frame::FrameInfo;

/// What left a card.
#[derive(Debug, Default)]
pub struct Kept {
    /// Frames that the host got, and what the card said of them.
    pub punts: Vec<(FrameInfo, Vec<u8>)>,
    /// Frames that each port sent.
    pub sent: Vec<Vec<Vec<u8>>>,
}

impl Kept {
    /// Nothing yet, of a card with `ports` ports.
    pub fn new(ports: u8) -> Self {
        Self { punts: Vec::new(), sent: vec![Vec::new(); ports.into()] }
    }
}
