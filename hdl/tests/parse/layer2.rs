//! Layer 2 of a frame as software reads it; shared with the tests of the receive side.

use fpgaflow_abi::key::{Encap, Tag, TagKind};

/// What layer 2 of a frame is, read a byte at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer2 {
    pub bytes: usize,
    pub ethertype: u16,
    pub encap: Encap,
    pub pppoe_length: Option<u16>,
}

impl Layer2 {
    /// As `abi::reason` tells it.
    pub fn of(frame: &[u8]) -> Self {
        let plain = Self {
            bytes: 14,
            ethertype: sixteen(frame, 12).expect("a frame has a header"),
            encap: Encap::NONE,
            pppoe_length: None,
        };
        Self::found(frame).unwrap_or(plain)
    }

    /// `None` when the frame ends inside.
    fn found(frame: &[u8]) -> Option<Self> {
        let mut encap = Encap::NONE;
        let mut at = 12;
        let mut ethertype = sixteen(frame, at)?;
        for tag in &mut encap.tags {
            let kind = match ethertype {
                0x8100 => TagKind::Dot1Q,
                0x88a8 => TagKind::Dot1ad,
                _ => break,
            };
            *tag = Some(Tag { kind, vid: sixteen(frame, at + 2)? & 0x0fff });
            at += 4;
            ethertype = sixteen(frame, at)?;
        }
        let mut layer2 = Self { bytes: at + 2, ethertype, encap, pppoe_length: None };
        if ethertype == 0x8864 {
            let header: Vec<u16> = (0..4).map(|field| sixteen(frame, at + 2 + 2 * field)).collect::<Option<_>>()?;
            let inside = match header[3] {
                0x0021 => Some(0x0800),
                0x0057 => Some(0x86dd),
                _ => None,
            };
            if let (0x1100, Some(inside)) = (header[0], inside) {
                layer2.encap.pppoe = Some(header[1]);
                layer2 = Self { bytes: at + 10, ethertype: inside, pppoe_length: Some(header[2]), ..layer2 };
            }
        }
        Some(layer2)
    }
}

/// The sixteen bits at a byte; `None` behind the end.
pub fn sixteen(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]))
}
