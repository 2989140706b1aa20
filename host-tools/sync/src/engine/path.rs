//! The two ways of a connection: by which port and encapsulation each direction comes, and by which next hop it leaves. VLAN devices
//! on ports are followed down to the port, as the kernel's flowtable does (`dev_fill_forward_path`).
//!
//! Conntrack does not tell where packets come in. As in the kernel's flowtable, a direction comes in where the other one leaves; here
//! that is checked: a pair of ports is taken only when the lookup of each direction, asked with the other's egress as ingress, gives
//! it back. So rules by input interface (policy routing) are followed, and a connection whose ways do not close stays in software.

use crate::flow::Conn;
use crate::hops::HopKey;
use crate::kernel::Kernel;
use crate::policy::Refusal;
use crate::topology::{Access, Route, RouteQuery};

use super::ports::Ports;

/// The way of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Interface, port and encapsulation that its frames come in by.
    pub ingress: Access,
    /// Next hop that they leave by.
    pub hop: HopKey,
}

/// Finds the ways of both directions, original first. `mark` is the packet mark that lookups use.
///
/// # Errors
/// The most telling refusal among what was tried.
pub fn resolve(kernel: &mut impl Kernel, ports: &Ports, conn: &Conn, mark: u32) -> Result<[Leg; 2], Refusal> {
    let (original, reply) = (&conn.name.original, &conn.reply);
    let protocol = original.protocol;
    // Routing sees a packet after its destination and before its source is translated.
    let (client, server) = ((original.addresses.src(), original.sport), (reply.addresses.src(), reply.sport));
    let query = |from: (std::net::IpAddr, u16), to: (std::net::IpAddr, u16), ingress| RouteQuery {
        src: from.0,
        dst: to.0,
        ingress,
        mark,
        protocol,
        sport: from.1,
        dport: to.1,
    };
    let mut worst = Refusal::NoRoute;
    let mut found = None;
    for (access, link) in ports.accesses() {
        let outcome = if !link.up {
            Err(Refusal::LinkDown)
        } else {
            forward(kernel, ports, &query(client, server, link.index)).and_then(|forth| {
                let back = forward(kernel, ports, &query(server, client, forth.egress.interface))?;
                match back.egress == access {
                    false => Err(Refusal::Asymmetric),
                    true if forth.egress == access => Err(Refusal::Hairpin),
                    true => Ok([Leg { ingress: access, hop: forth }, Leg { ingress: forth.egress, hop: back }]),
                }
            })
        };
        match outcome {
            // Two pairs that both close: where its packets come in cannot be known.
            Ok(_) if found.is_some() => return Err(Refusal::Asymmetric),
            Ok(legs) => found = Some(legs),
            Err(refusal) if weight(refusal) > weight(worst) => worst = refusal,
            Err(_) => {}
        }
    }
    found.ok_or(worst)
}

/// How much a refusal tells: of several tries, the user wants to hear the one that came closest to a reason.
const fn weight(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::KernelError => 6,
        Refusal::Local => 5,
        Refusal::NotACardPort | Refusal::PppDevice => 4,
        Refusal::LinkDown => 3,
        Refusal::Hairpin => 2,
        Refusal::Asymmetric => 1,
        _ => 0,
    }
}

fn forward(kernel: &mut impl Kernel, ports: &Ports, query: &RouteQuery) -> Result<HopKey, Refusal> {
    match kernel.route(query) {
        Ok(Route::Forward { egress, gateway, mtu }) => {
            let not_ours = if ports.is_ppp(egress) { Refusal::PppDevice } else { Refusal::NotACardPort };
            let (access, link) = ports.access(egress).ok_or(not_ours)?;
            if !link.up {
                return Err(Refusal::LinkDown);
            }
            let mtu = mtu.unwrap_or(link.mtu).min(link.mtu).min(u16::MAX.into()) as u16;
            Ok(HopKey { egress: access, gateway, mtu })
        }
        Ok(Route::Local) => Err(Refusal::Local),
        Ok(Route::None) => Err(Refusal::NoRoute),
        Err(_) => Err(Refusal::KernelError),
    }
}
