//! What encapsulations look like, apart from their ids.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Kinds of tags from the outside in, and whether PPPoE follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// The second is `None` unless the first is there.
    pub tags: [Option<TagKind>; 2],
    /// PPPoE behind the tags.
    pub pppoe: bool,
}

const Q: Option<TagKind> = Some(TagKind::Dot1Q);
const AD: Option<TagKind> = Some(TagKind::Dot1ad);
const TAGS: [[Option<TagKind>; 2]; 7] = [[None, None], [Q, None], [AD, None], [AD, Q], [Q, Q], [AD, AD], [Q, AD]];

impl Shape {
    /// No encapsulation.
    pub const NONE: Self = Self { tags: [None, None], pppoe: false };

    /// Every shape that layer 2 can have.
    pub const ALL: [Self; 2 * TAGS.len()] = {
        let mut all = [Self::NONE; 2 * TAGS.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Self { tags: TAGS[i / 2], pppoe: i % 2 == 1 };
            i += 1;
        }
        all
    };

    /// The shape of an encapsulation.
    pub fn of(encap: &Encap) -> Self {
        Self { tags: encap.tags.map(|tag| tag.map(|tag| tag.kind)), pppoe: encap.pppoe.is_some() }
    }

    /// An encapsulation of this shape, its ids among those that a network can use.
    pub fn draw(self, rng: &mut ChaCha8Rng) -> Encap {
        // 4095 is reserved (IEEE 802.1Q 9.6), as are sessions 0 and 65535 (RFC 2516 4).
        let session = rng.random_range(1..=0xfffe);
        self.with_ids(|| rng.random_range(0..=4094), session)
    }

    /// An encapsulation of this shape with these VLAN and session ids.
    pub(crate) fn with_ids(self, mut vid: impl FnMut() -> u16, session: u16) -> Encap {
        let tags = self.tags.map(|kind| kind.map(|kind| Tag { kind, vid: vid() }));
        Encap { tags, pppoe: self.pppoe.then_some(session) }
    }
}
