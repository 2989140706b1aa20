//! Tells the layers of a frame's head apart: wiring only.
//!
//! ```text
//!           +-----------+
//!  head --->| SplitHead |--> header
//!  frame -->|           |
//!           +-----------+
//! ```
//! Latency 0. `head` is the start of a frame, its first byte the most significant; what the frame does not have is not defined, nor is it
//! in `header`.
//!
//! Only the plain Ethernet header of 14 bytes is known: a tag is an EtherType that is not IP.

use fpgaflow_abi::wire;

use crate::parse::{IPV4_ROWS, ROW_BYTES, TCP_ROWS};
use crate::prelude::*;
use crate::records::{FrameInfo, HeaderRecord, L2_BITS, L2Record, WINDOW_BITS};

/// Bytes of the longest headers looked at: Ethernet, IPv4 without options, TCP without options (RFC 791, RFC 9293).
pub const HEAD_BYTES: usize = wire::ETH_HEADER_BYTES + ROW_BYTES * (IPV4_ROWS + TCP_ROWS);

/// Bits of the plain Ethernet header, and of the EtherType at its end.
const L2_HEADER_BITS: usize = 8 * wire::ETH_HEADER_BYTES;
const ETHERTYPE_BITS: usize = 16;

/// Makes a header record of the first `HEAD` bits of a frame.
#[derive(LogicBlock)]
pub struct SplitHead<const HEAD: usize> {
    /// The start of a frame.
    pub head: Signal<In, Bits<HEAD>>,
    /// Its length and port.
    pub frame: Signal<In, FrameInfo>,
    /// What the parser starts from.
    pub header: Signal<Out, HeaderRecord>,
    l2_header: Signal<Local, Bits<L2_HEADER_BITS>>,
    l2: Signal<Local, L2Record>,
    l2_length: Constant<Bits<5>>,
}

impl<const HEAD: usize> Default for SplitHead<HEAD> {
    fn default() -> Self {
        assert!(
            (8 * HEAD_BYTES..=WINDOW_BITS).contains(&HEAD),
            "SplitHead: {HEAD} bits are not the headers' {HEAD_BYTES} bytes or up to {WINDOW_BITS} bits"
        );
        Self {
            head: Signal::default(),
            frame: Signal::default(),
            header: Signal::default(),
            l2_header: Signal::default(),
            l2: Signal::default(),
            l2_length: Constant::new((wire::ETH_HEADER_BYTES as u64).into()),
        }
    }
}

impl<const HEAD: usize> Logic for SplitHead<HEAD> {
    #[hdl_gen]
    fn update(&mut self) {
        // The window starts behind layer 2: what is before it falls out at the top.
        for behind in (WINDOW_BITS as u64 - HEAD as u64 + L2_HEADER_BITS as u64)
            ..(WINDOW_BITS as u64 - HEAD as u64 + L2_HEADER_BITS as u64 + 1)
        {
            self.header.next.window = bit_cast::<WINDOW_BITS, HEAD>(self.head.val()) << behind;
        }
        for at in (HEAD - L2_HEADER_BITS)..(HEAD - L2_HEADER_BITS + 1) {
            self.l2_header.next = self.head.val().get_bits::<L2_HEADER_BITS>(at);
        }
        for pad in (L2_BITS as u64 - L2_HEADER_BITS as u64)..(L2_BITS as u64 - L2_HEADER_BITS as u64 + 1) {
            self.l2.next.bytes = bit_cast::<L2_BITS, L2_HEADER_BITS>(self.l2_header.val()) << pad;
        }
        self.header.next.ethertype = self.l2_header.val().get_bits::<ETHERTYPE_BITS>(0);
        self.l2.next.length = self.l2_length.val();
        self.header.next.l2 = self.l2.val();
        self.header.next.encap = 0.into();
        self.header.next.pppoe_length = 0.into();
        self.header.next.frame = self.frame.val();
    }
}
