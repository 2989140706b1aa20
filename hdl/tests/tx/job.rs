//! What `Merge` gets for one frame, and what it has to make of it: written from the contract, in whole frames.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{FrameInfo, L2Record, PuntInfo, Verdict};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{Words, random_bytes, words};

/// Ports of the merge under test; the number of the host's stream too.
pub const PORTS: usize = 2;
/// Lengths of a layer 2 header.
pub const L2_LENGTHS: [usize; 5] = [14, 18, 22, 26, 30];

/// What is behind the IP header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer4 {
    Tcp,
    Udp,
    /// Or a later fragment: whatever is there.
    Gre,
}

/// A kind of packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    pub v6: bool,
    pub layer4: Layer4,
    /// Behind a fragment header; IPv6's alone.
    pub fragment: bool,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self { v6: false, layer4: Layer4::Tcp, fragment: false },
        Self { v6: false, layer4: Layer4::Udp, fragment: false },
        Self { v6: false, layer4: Layer4::Gre, fragment: false },
        Self { v6: true, layer4: Layer4::Tcp, fragment: false },
        Self { v6: true, layer4: Layer4::Udp, fragment: false },
        Self { v6: true, layer4: Layer4::Gre, fragment: false },
        Self { v6: true, layer4: Layer4::Udp, fragment: true },
        Self { v6: true, layer4: Layer4::Gre, fragment: true },
    ];

    fn ip_header(self) -> usize {
        match self {
            Self { fragment: true, .. } => 48,
            Self { v6: true, .. } => 40,
            _ => 20,
        }
    }

    /// Headers alone; what is shorter is punted before.
    pub fn shortest(self) -> usize {
        self.ip_header()
            + match self.layer4 {
                Layer4::Tcp => 20,
                Layer4::Udp => 8,
                Layer4::Gre => 4,
            }
    }
}

/// Every shape of an encapsulation: no, one and two tags, each without and with PPPoE; tag kinds and ids as they come.
pub fn random_encaps(rng: &mut ChaCha8Rng) -> Vec<Encap> {
    let mut tag = || {
        let kind = if rng.random() { TagKind::Dot1Q } else { TagKind::Dot1ad };
        Some(Tag { kind, vid: rng.random_range(0..4096) })
    };
    let tags = [[None, None], [tag(), None], [tag(), tag()], [None, None], [tag(), None], [tag(), tag()]];
    tags.into_iter().enumerate().map(|(i, tags)| Encap { tags, pppoe: (i > 2).then(|| rng.random()) }).collect()
}

/// What goes in for one frame, in Rust's own types.
#[derive(Clone, Debug)]
pub struct Job {
    pub l2: Vec<u8>,
    /// Everything behind layer 2.
    pub body: Vec<u8>,
    pub reason: u8,
    pub ingress: u8,
    pub egress: u8,
    pub ip_length: usize,
    pub kind: Kind,
    pub encap: Encap,
    pub macs: [u8; 12],
    pub ttl: u8,
    pub l3_checksum: u16,
    pub src: u128,
    pub dst: u128,
    pub sport: u16,
    pub dport: u16,
    pub l4_checksum: u16,
    pub hit: bool,
    pub entry: u32,
}

/// What is to come out for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub bytes: Vec<u8>,
    /// A port, or `PORTS` for the host.
    pub to: usize,
    /// `FrameInfo` or `PuntInfo`.
    pub record: Words,
}

impl Job {
    /// A frame with `body_length` bytes behind a layer 2 header of one of the lengths there are; forwarded if a packet fits.
    pub fn random(body_length: usize, forward: bool, rng: &mut ChaCha8Rng) -> Self {
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.shortest() <= body_length).collect();
        let forward = forward && !kinds.is_empty();
        let kind =
            if forward { kinds[rng.random_range(0..kinds.len())] } else { Kind::ALL[rng.random_range(0..Kind::ALL.len())] };
        let encaps = random_encaps(rng);
        let shortest = kind.shortest();
        Self {
            l2: random_bytes(L2_LENGTHS[rng.random_range(0..5)], rng),
            body: random_bytes(body_length, rng),
            reason: if forward { Reason::Forwarded as u8 } else { rng.random_range(1..=25) },
            ingress: rng.random_range(0..16),
            egress: rng.random_range(0..PORTS as u8),
            ip_length: if forward { rng.random_range(shortest..=body_length) } else { rng.random_range(0..2000) },
            kind,
            encap: encaps[rng.random_range(0..encaps.len())],
            macs: std::array::from_fn(|_| rng.random()),
            ttl: rng.random(),
            l3_checksum: rng.random(),
            src: rng.random(),
            dst: rng.random(),
            sport: rng.random(),
            dport: rng.random(),
            l4_checksum: rng.random(),
            hit: rng.random(),
            entry: rng.random_range(0..1 << 24),
        }
    }

    /// The same with a packet that fills its frame.
    pub fn random_full(body_length: usize, forward: bool, rng: &mut ChaCha8Rng) -> Self {
        let mut job = Self::random(body_length, forward, rng);
        if job.is_forwarded() {
            job.ip_length = body_length;
        }
        job
    }

    pub fn is_forwarded(&self) -> bool {
        self.reason == Reason::Forwarded as u8
    }

    fn length(&self) -> usize {
        self.l2.len() + self.body.len()
    }

    pub fn verdict(&self) -> Words {
        let mac = |bytes: &[u8]| bytes.iter().fold(0_u64, |mac, byte| mac << 8 | u64::from(*byte));
        let address = |address: u128| {
            let high: Bits<128> = ((address >> 64) as u64).into();
            (high << 64_u64) | Bits::<128>::from(address as u64)
        };
        let verdict = Verdict {
            reason: u64::from(self.reason).into(),
            frame: FrameInfo { length: (self.length() as u64).into(), port: u64::from(self.ingress).into() },
            egress: u64::from(self.egress).into(),
            ip_length: (self.ip_length as u64).into(),
            hit: self.hit,
            entry: u64::from(self.entry).into(),
            src_mac: mac(&self.macs[6..]).into(),
            dst_mac: mac(&self.macs[..6]).into(),
            encap: self.encap.to_bits().into(),
            src: address(self.src),
            dst: address(self.dst),
            sport: u64::from(self.sport).into(),
            dport: u64::from(self.dport).into(),
            ttl: u64::from(self.ttl).into(),
            l3_checksum: u64::from(self.l3_checksum).into(),
            l4_checksum: u64::from(self.l4_checksum).into(),
            v6: self.kind.v6,
            gre: self.kind.layer4 == Layer4::Gre,
            udp: self.kind.layer4 == Layer4::Udp,
            fragment_header: self.kind.fragment,
        };
        words::<{ Verdict::BITS }>(verdict.into())
    }

    /// The header left-aligned, noise behind it.
    pub fn l2_record(&self, rng: &mut ChaCha8Rng) -> Words {
        let mut bytes = random_bytes(wire::MAX_L2_BYTES, rng);
        bytes[..self.l2.len()].copy_from_slice(&self.l2);
        let mut record = L2Record { bytes: 0_u64.into(), length: (self.l2.len() as u64).into() };
        for byte in bytes {
            record.bytes = (record.bytes << 8_u64) | u64::from(byte);
        }
        words::<{ L2Record::BITS }>(record.into())
    }

    /// The layer 2 header to leave with.
    pub fn header(&self) -> Vec<u8> {
        let mut header = self.macs.to_vec();
        for tag in self.encap.tags.into_iter().flatten() {
            let tpid = match tag.kind {
                TagKind::Dot1Q => wire::TPID_DOT1Q,
                TagKind::Dot1ad => wire::TPID_DOT1AD,
            };
            header.extend(tpid.to_be_bytes());
            header.extend(tag.vid.to_be_bytes());
        }
        if let Some(session) = self.encap.pppoe {
            header.extend(wire::ETHERTYPE_PPPOE.to_be_bytes());
            header.extend(wire::PPPOE_SESSION_DATA.to_be_bytes());
            header.extend(session.to_be_bytes());
            header.extend((self.ip_length as u16 + 2).to_be_bytes());
            header.extend(if self.kind.v6 { wire::PPP_IPV6 } else { wire::PPP_IPV4 }.to_be_bytes());
        } else {
            header.extend(if self.kind.v6 { wire::ETHERTYPE_IPV6 } else { wire::ETHERTYPE_IPV4 }.to_be_bytes());
        }
        header
    }

    /// The packet to send.
    fn packet(&self) -> Vec<u8> {
        let mut packet = self.body[..self.ip_length].to_vec();
        let mut write = |at: usize, bytes: &[u8]| packet[at..at + bytes.len()].copy_from_slice(bytes);
        if self.kind.v6 {
            write(7, &[self.ttl]);
            write(8, &self.src.to_be_bytes());
            write(24, &self.dst.to_be_bytes());
        } else {
            write(8, &[self.ttl]);
            write(10, &self.l3_checksum.to_be_bytes());
            write(12, &(self.src as u32).to_be_bytes());
            write(16, &(self.dst as u32).to_be_bytes());
        }
        let layer4 = self.kind.ip_header();
        if self.kind.layer4 != Layer4::Gre {
            write(layer4, &self.sport.to_be_bytes());
            write(layer4 + 2, &self.dport.to_be_bytes());
        }
        match self.kind.layer4 {
            Layer4::Tcp => write(layer4 + 16, &self.l4_checksum.to_be_bytes()),
            Layer4::Udp => write(layer4 + 6, &self.l4_checksum.to_be_bytes()),
            Layer4::Gre => {}
        }
        packet
    }

    /// The model.
    pub fn expected(&self) -> Frame {
        if !self.is_forwarded() {
            let punt = PuntInfo {
                frame: FrameInfo { length: (self.length() as u64).into(), port: u64::from(self.ingress).into() },
                reason: u64::from(self.reason).into(),
                hit: self.hit,
                entry: u64::from(self.entry).into(),
            };
            let bytes = [&self.l2[..], &self.body].concat();
            return Frame { bytes, to: PORTS, record: words::<{ PuntInfo::BITS }>(punt.into()) };
        }
        let mut bytes = [self.header(), self.packet()].concat();
        bytes.resize(bytes.len().max(60), 0);
        let frame = FrameInfo { length: (bytes.len() as u64).into(), port: u64::from(self.egress).into() };
        Frame { bytes, to: self.egress.into(), record: words::<{ FrameInfo::BITS }>(frame.into()) }
    }
}
