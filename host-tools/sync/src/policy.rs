//! Which connections are offloaded. Pure: what conntrack says and the user's policy in, a verdict out.
//!
//! The conditions are those of the kernel's own flowtable (`nft_flow_offload_eval`): a reply was seen, TCP is established, no
//! helper, no sequence adjustment, confirmed. Every refusal has a name, so that "why is this flow not offloaded?" has an answer.

use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use serde::{Deserialize, Serialize};

use crate::flow::{Conn, Status, TCP_ESTABLISHED};

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// Why a connection is not offloaded, or no longer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Refusal {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Refusal {
            /// Every refusal.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name used in logs, statistics and listings.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

refusals! {
    /// Neither TCP nor UDP nor GRE.
    Protocol = "protocol";
    /// GRE that is translated, or of another version than 0.
    TranslatedGre = "translated_gre";
    /// A rule's template, not a connection.
    Template = "template";
    /// Conntrack is about to drop it.
    Dying = "dying";
    /// Its first packet has not left yet.
    Unconfirmed = "unconfirmed";
    /// No packet of the reply direction was seen.
    NoReply = "no_reply";
    /// UDP that is not assured, where the policy asks for it.
    NotAssured = "not_assured";
    /// TCP in another state than ESTABLISHED: opening or closing.
    TcpState = "tcp_state";
    /// A helper (ALG) reads its payload.
    Helper = "helper";
    /// Its TCP sequence numbers are shifted.
    SeqAdjust = "seq_adjust";
    /// It belongs to a conntrack zone other than the default: its tuple is not unique.
    Zone = "zone";
    /// The kernel's own flowtable forwards it.
    KernelOffload = "kernel_offload";
    /// Its connmark is not the one that the policy names.
    Mark = "mark";
    /// One end is this host.
    Local = "local";
    /// There is no route to an end, or one that forbids it.
    NoRoute = "no_route";
    /// It leaves or comes by an interface that is no port of the card.
    NotACardPort = "not_a_card_port";
    /// It leaves or comes by a PPP device, whose PPPoE session the kernel does not tell.
    PppDevice = "ppp_device";
    /// The two directions do not use the same pair of interfaces: a direction's ingress cannot be known.
    Asymmetric = "asymmetric";
    /// It would leave by the port that it came by.
    Hairpin = "hairpin";
    /// The interface of a port is down.
    LinkDown = "link_down";
    /// The next hop table is full.
    NextHopsFull = "next_hops_full";
    /// Neither card nor software flowtable has room.
    TableFull = "table_full";
    /// The card has no entries for its family.
    Family = "family";
    /// Another flow has the same key in one direction.
    KeyInUse = "key_in_use";
    /// The card did not carry out a command.
    CardError = "card_error";
    /// The kernel did not answer about it, or would not have it changed.
    KernelError = "kernel_error";
    /// No packet came for the idle time; the next one brings it back.
    Idle = "idle";
    /// The daemon is shutting down.
    Draining = "draining";
}

impl Refusal {
    /// Whether the topology (routes, neighbours, links) decided, so that it is to be asked again when that changes.
    pub const fn is_topology(self) -> bool {
        matches!(
            self,
            Self::Local
                | Self::NoRoute
                | Self::NotACardPort
                | Self::PppDevice
                | Self::Asymmetric
                | Self::Hairpin
                | Self::LinkDown
        )
    }

    /// Whether something was missing that can come back by itself: room, or an answer.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::NextHopsFull | Self::TableFull | Self::KeyInUse | Self::CardError | Self::KernelError)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Which of the flows that could be offloaded the user wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// All TCP and UDP.
    #[default]
    All,
    /// Those whose connmark, under the mask, is the policy's.
    Mark,
}

/// The user's policy, table `[policy]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// See [`Mode`].
    pub mode: Mode,
    /// Connmark to look for in mode `mark`.
    pub mark: u32,
    /// Bits of the connmark that count.
    pub mask: u32,
    /// Take UDP only when conntrack calls it assured, which it does about two seconds into a stream. Off, a reply is enough, as in the
    /// kernel's flowtable; on, single questions and answers (DNS) never take entries.
    pub udp_assured: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { mode: Mode::All, mark: 1, mask: u32::MAX, udp_assured: false }
    }
}

/// Judges a connection by what conntrack says about it; the topology is judged later. `conn.tcp_state` must be the last one known.
///
/// # Errors
/// The first condition that fails, in the order of [`Refusal`].
pub fn admit(policy: &Policy, conn: &Conn) -> Result<(), Refusal> {
    let protocol = conn.name.original.protocol;
    let tcp = protocol == PROTO_TCP;
    let refusals = [
        (!matches!(protocol, PROTO_TCP | PROTO_UDP | PROTO_GRE), Refusal::Protocol),
        (protocol == PROTO_GRE && !is_plain_gre(conn), Refusal::TranslatedGre),
        (conn.status.any(Status::TEMPLATE), Refusal::Template),
        (conn.status.any(Status::DYING), Refusal::Dying),
        (!conn.status.any(Status::CONFIRMED), Refusal::Unconfirmed),
        (!conn.status.any(Status::SEEN_REPLY), Refusal::NoReply),
        (!tcp && policy.udp_assured && !conn.status.any(Status::ASSURED), Refusal::NotAssured),
        (tcp && conn.tcp_state != Some(TCP_ESTABLISHED), Refusal::TcpState),
        (conn.helper, Refusal::Helper),
        (conn.status.any(Status::SEQ_ADJUST), Refusal::SeqAdjust),
        (conn.name.zone != 0 || conn.directional_zone, Refusal::Zone),
        (conn.status.any(Status::KERNEL_OFFLOAD), Refusal::KernelOffload),
        (policy.mode == Mode::Mark && (conn.mark ^ policy.mark) & policy.mask != 0, Refusal::Mark),
    ];
    match refusals.iter().find(|(refused, _)| *refused) {
        Some((_, refusal)) => Err(*refusal),
        None => Ok(()),
    }
}

/// Whether the reply is the original turned round, without the call ids that version 1 has in the place of ports (RFC 2637 4.1).
fn is_plain_gre(conn: &Conn) -> bool {
    let (original, reply) = (&conn.name.original, &conn.reply);
    let turned = (original.addresses.src(), original.addresses.dst()) == (reply.addresses.dst(), reply.addresses.src());
    turned && [original, reply].iter().all(|tuple| (tuple.sport, tuple.dport) == (0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{tcp_conn, udp_conn};

    fn verdict(policy: &Policy, change: impl FnOnce(&mut Conn)) -> Result<(), Refusal> {
        let mut conn = tcp_conn(1);
        change(&mut conn);
        admit(policy, &conn)
    }

    #[test]
    fn an_established_tcp_connection_is_admitted() {
        assert_eq!(verdict(&Policy::default(), |_| {}), Ok(()));
    }

    #[test]
    fn each_condition_refuses_by_its_own_name() {
        let policy = Policy { mode: Mode::Mark, mark: 0x10, mask: 0xf0, udp_assured: false };
        type Spoil = fn(&mut Conn);
        let cases: [(Spoil, Refusal); 11] = [
            (|c| c.name.original.protocol = 132, Refusal::Protocol),
            (|c| c.status.0 |= Status::TEMPLATE, Refusal::Template),
            (|c| c.status.0 |= Status::DYING, Refusal::Dying),
            (|c| c.status.0 &= !Status::CONFIRMED, Refusal::Unconfirmed),
            (|c| c.status.0 &= !Status::SEEN_REPLY, Refusal::NoReply),
            (|c| c.tcp_state = Some(TCP_ESTABLISHED + 1), Refusal::TcpState),
            (|c| c.tcp_state = None, Refusal::TcpState),
            (|c| c.helper = true, Refusal::Helper),
            (|c| c.status.0 |= Status::SEQ_ADJUST, Refusal::SeqAdjust),
            (|c| c.name.zone = 3, Refusal::Zone),
            (|c| c.mark = 0x20, Refusal::Mark),
        ];
        for (change, refusal) in cases {
            let marked = |conn: &mut Conn| {
                conn.mark = 0x1f;
                change(conn);
            };
            assert_eq!(verdict(&policy, marked), Err(refusal), "{refusal}");
        }
        assert_eq!(verdict(&policy, |c| c.mark = 0x1f), Ok(()), "bits outside the mask do not count");
    }

    #[test]
    fn udp_needs_a_reply_and_where_the_policy_asks_assurance() {
        let mut conn = udp_conn(1);
        conn.status.0 &= !Status::ASSURED;
        assert_eq!(admit(&Policy::default(), &conn), Ok(()));
        assert_eq!(admit(&Policy { udp_assured: true, ..Policy::default() }, &conn), Err(Refusal::NotAssured));
        conn.status.0 &= !Status::SEEN_REPLY;
        assert_eq!(admit(&Policy::default(), &conn), Err(Refusal::NoReply));
    }
}
