//! Connections for unit tests.

use std::net::Ipv4Addr;

use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::wire::{PROTO_TCP, PROTO_UDP};

use crate::flow::{Conn, ConnName, Status, TCP_ESTABLISHED, Tuple};

/// The router's address on the server's side, that clients are hidden behind.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

/// Client number `number`.
pub fn client(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + number)
}

fn conn(number: u32, protocol: u8, tcp_state: Option<u8>) -> Conn {
    let sport = 40_000;
    let original = Tuple { addresses: Addresses::V4 { src: client(number), dst: SERVER }, sport, dport: 443, protocol };
    // The ports of the translated side are unique as long as clients are fewer than 2^16 to one of 256 addresses.
    let hidden = Ipv4Addr::from_bits(ROUTER.to_bits() ^ number >> 16 << 8);
    let reply = Tuple { addresses: Addresses::V4 { src: SERVER, dst: hidden }, sport: 443, dport: number as u16, protocol };
    Conn {
        name: ConnName { original, zone: 0 },
        reply,
        id: number,
        status: Status(Status::SEEN_REPLY | Status::ASSURED | Status::CONFIRMED),
        mark: 0,
        timeout_s: Some(100),
        tcp_state,
        helper: false,
        directional_zone: false,
    }
}

/// An established TCP connection of client `number` to the server, hidden behind the router.
pub fn tcp_conn(number: u32) -> Conn {
    conn(number, PROTO_TCP, Some(TCP_ESTABLISHED))
}

/// A UDP stream, as [`tcp_conn`].
pub fn udp_conn(number: u32) -> Conn {
    conn(number, PROTO_UDP, None)
}

/// The bytes that hexadecimal digits spell; blanks are skipped.
pub fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
