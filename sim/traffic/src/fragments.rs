//! Datagrams that come in fragments.

use fpgaflow_abi::wire::NEXT_HEADER_FRAGMENT;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::draft::Draft;
use crate::frames::Frame;
use crate::mix::Kind;
use crate::packet::Packet;
use crate::shape::Shape;

/// Bytes of a unit of fragment offsets (RFC 791 3.1, RFC 8200 4.5).
const UNIT_BYTES: usize = 8;
/// Datagrams that are under way at once, about.
const UNDER_WAY: usize = 6;
/// Identifications that most datagrams draw theirs from: few, so that they come again.
const IDENTIFICATIONS: u32 = 48;

/// Datagrams of which fragments are still to be sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Datagrams {
    /// The fragments to come of each, the next one last.
    under_way: Vec<(Frame, Vec<Vec<u8>>)>,
}

impl Datagrams {
    /// Whether it is time for another datagram.
    pub fn wants_more(&self, rng: &mut ChaCha8Rng) -> bool {
        self.under_way.is_empty() || (self.under_way.len() < UNDER_WAY && rng.random_bool(0.3))
    }

    /// Cuts a packet into two fragments and more, to be sent among those of others.
    pub fn add(&mut self, rng: &mut ChaCha8Rng, packet: &Draft) {
        let id = if rng.random_bool(0.8) { rng.random_range(0..IDENTIFICATIONS) } else { rng.random() };
        let mut fragments = cut(rng, packet, id);
        match rng.random_range(0..8) {
            0 => fragments.shuffle(rng),
            1 => drop(fragments.remove(rng.random_range(0..fragments.len()))),
            2 => fragments.extend(fragments.choose(rng).cloned()),
            // The other way round, as some senders do.
            3 => fragments.reverse(),
            _ => {}
        }
        fragments.reverse();
        let key = packet.key;
        let frame = Frame { port: key.ingress, bytes: Vec::new(), kind: Kind::Fragment, shape: Shape::of(&key.encap) };
        if !fragments.is_empty() {
            self.under_way.push((frame, fragments));
        }
    }

    /// The next fragment of any datagram, marked in its source address; `None` when none is under way.
    pub fn next(&mut self, rng: &mut ChaCha8Rng, mark: u32) -> Option<Frame> {
        let last = self.under_way.len().checked_sub(1)?;
        // Often the newest, so that whole datagrams come at one go.
        let at = if rng.random_bool(0.6) { last } else { rng.random_range(0..=last) };
        let (frame, fragments) = &mut self.under_way[at];
        let mut frame = frame.clone();
        frame.bytes = fragments.pop()?;
        if fragments.is_empty() {
            self.under_way.remove(at);
        }
        frame.bytes[8..12].copy_from_slice(&mark.to_be_bytes());
        Some(frame)
    }
}

/// The frames of a packet's fragments, which end where `ends` say, in units of 8 bytes of what its IP header carries, and at its end.
///
/// # Panics
/// When `ends` are not in order, or beyond the packet.
pub fn fragments_of(packet: &Packet, id: u32, ends: &[usize]) -> Vec<Vec<u8>> {
    let draft = Draft::of(packet);
    let payload = draft.bytes[draft.l4..].to_vec();
    let ends = ends.iter().map(|end| end * UNIT_BYTES).chain([payload.len()]);
    let mut from = 0;
    ends.map(|to| {
        let part = fragment(&draft, id, &payload[from..to], from / UNIT_BYTES, to < payload.len());
        from = to;
        part
    })
    .collect()
}

/// The fragments of a packet, in order.
fn cut(rng: &mut ChaCha8Rng, packet: &Draft, id: u32) -> Vec<Vec<u8>> {
    let payload = &packet.bytes[packet.l4..packet.l4 + usize::from(packet.l4_bytes())];
    let mut fragments = Vec::new();
    let mut from = 0;
    while from < payload.len() || fragments.is_empty() {
        let units = if rng.random_bool(0.1) { 1 } else { rng.random_range(3..24) };
        let to = (from + units * UNIT_BYTES).min(payload.len());
        fragments.push(fragment(packet, id, &payload[from..to], from / UNIT_BYTES, to < payload.len()));
        from = to.max(from + 1);
    }
    fragments
}

/// One fragment: `data` of a packet's payload, which starts `offset` units into it.
fn fragment(packet: &Draft, id: u32, data: &[u8], offset: usize, more: bool) -> Vec<u8> {
    let mut part = packet.clone();
    let (whole, offset) = (part.l4_bytes(), offset as u16);
    part.bytes.truncate(part.l4);
    part.bytes.extend_from_slice(data);
    part.set_l4_bytes(data.len() as u16);
    if let Some(pppoe) = part.pppoe_at() {
        part.set16(pppoe + 4, part.get16(pppoe + 4) - whole + data.len() as u16);
    }
    if part.is_v4() {
        part.set16(part.l3 + 4, id as u16);
        part.set16(part.l3 + 6, u16::from(more) << 13 | offset);
        part.fix_ip_checksum();
    } else {
        let [a, b] = (offset << 3 | u16::from(more)).to_be_bytes();
        let [c, d, e, f] = id.to_be_bytes();
        part.insert_behind_ip_header(&[part.key.protocol, 0, a, b, c, d, e, f]);
        part.set_protocol(NEXT_HEADER_FRAGMENT);
    }
    part.bytes
}
