//! What a file means, in the ABI's types.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use fpgaflow_abi::MAX_PORTS;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::{Addresses, Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, MacAddr, NextHop};
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, PROTO_GRE, PROTO_TCP, PROTO_UDP};

use crate::encap::{encap, encap_tags};
use crate::error::{FlowsError, MOST_NEXT_HOPS, Problem};
use crate::file::{ActionFields, Egress, FlowFields, FlowsFile, MatchFields, NextHopFields, PortFields, Protocol};
use crate::mac::{format_mac, parse_mac};

/// Flows, next hops and ports that are sound, apart from any card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowSet {
    /// Next hops, in the order of the file. A flow's action names one by its index here.
    pub next_hops: Vec<SetNextHop>,
    /// Flows, in the order of the file, all valid.
    pub flows: Vec<Entry>,
    /// Ports that are not promiscuous.
    pub ports: Vec<PortAddress>,
}

/// A next hop and the name that it has in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetNextHop {
    /// The file's name for it.
    pub id: u32,
    /// Where and how frames leave.
    pub hop: NextHop,
}

/// A port that takes only frames to its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortAddress {
    /// Its number.
    pub port: u8,
    /// Its address.
    pub mac: MacAddr,
}

/// What one engine can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The engine's name, for errors.
    pub engine: &'static str,
    /// Its size.
    pub geometry: Geometry,
}

/// A field's path and what is wrong with it.
pub(crate) type FieldError = (String, Problem);

impl FlowSet {
    /// The address of a port that takes only frames to it; `None` for a port that is promiscuous.
    pub fn port_mac(&self, port: u8) -> Option<MacAddr> {
        self.ports.iter().find(|own| own.port == port).map(|own| own.mac)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`FlowsError`], by the file's name as it was given.
    pub fn read(path: &Path) -> Result<Self, FlowsError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(source) => Err(FlowsError::Read { file, source }),
        }
    }

    /// Reads the text of the file named `file`.
    ///
    /// # Errors
    /// [`FlowsError`].
    pub fn parse(file: &str, text: &str) -> Result<Self, FlowsError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let fields: FlowsFile = serde_path_to_error::deserialize(&mut json).map_err(|error| FlowsError::Shape {
            file: file.into(),
            field: error.path().to_string(),
            source: error.into_inner(),
        })?;
        json.end().map_err(|source| FlowsError::Shape { file: file.into(), field: ".".into(), source })?;
        Self::from_file(&fields).map_err(|(field, problem)| FlowsError::Field { file: file.into(), field, problem })
    }

    fn from_file(fields: &FlowsFile) -> Result<Self, FieldError> {
        let mut set = Self::default();
        if fields.next_hops.len() > MOST_NEXT_HOPS as usize {
            let problem = Problem::TooManyNextHops { found: fields.next_hops.len(), most: MOST_NEXT_HOPS };
            return Err(("next_hops".into(), problem));
        }
        let mut ids = HashMap::new();
        for (i, hop) in fields.next_hops.iter().enumerate() {
            let at = |field: &str| format!("next_hops[{i}].{field}");
            if let Some(first) = ids.insert(hop.id, i) {
                return Err((at("id"), Problem::DuplicateNextHop { id: hop.id, first }));
            }
            set.next_hops.push(SetNextHop { id: hop.id, hop: next_hop(hop, at)? });
        }
        let mut keys = HashMap::new();
        for (i, flow) in fields.flows.iter().enumerate() {
            let at = |field: &str| format!("flows[{i}].{field}");
            let key = key(&flow.matches, at)?;
            let id = flow.action.next_hop;
            let next_hop = *ids.get(&id).ok_or_else(|| (at("action.next_hop"), Problem::NoNextHop(id)))? as u16;
            if let Some(first) = keys.insert(key, i) {
                return Err((at("match"), Problem::DuplicateFlow(first)));
            }
            set.flows.push(Entry { key, action: action(&key, &flow.action, next_hop, at)?, valid: true });
        }
        let mut ports = HashMap::new();
        for (i, port) in fields.ports.iter().enumerate() {
            let at = |field: &str| format!("ports[{i}].{field}");
            check_port(port.port, MAX_PORTS as u8, || at("port"))?;
            if let Some(first) = ports.insert(port.port, i) {
                return Err((at("port"), Problem::DuplicatePort { port: port.port, first }));
            }
            set.ports.push(PortAddress { port: port.port, mac: station(&port.mac, || at("mac"))? });
        }
        Ok(set)
    }

    /// Finds out whether an engine can hold the set, which was read from `file`.
    ///
    /// # Errors
    /// [`FlowsError::Field`] for the first field that it cannot.
    pub fn check(&self, file: &str, limits: &Limits) -> Result<(), FlowsError> {
        self.fits(limits).map_err(|(field, problem)| FlowsError::Field { file: file.into(), field, problem })
    }

    fn fits(&self, limits: &Limits) -> Result<(), FieldError> {
        let geometry = &limits.geometry;
        if self.next_hops.len() > geometry.next_hops as usize {
            let problem = Problem::TooManyNextHops { found: self.next_hops.len(), most: geometry.next_hops };
            return Err(("next_hops".into(), problem));
        }
        for (i, SetNextHop { hop, .. }) in self.next_hops.iter().enumerate() {
            if hop.egress != HOST_PORT {
                check_port(hop.egress, geometry.ports, || format!("next_hops[{i}].port"))?;
            }
            check_frame(hop, limits, || format!("next_hops[{i}].mtu"))?;
        }
        for (i, flow) in self.flows.iter().enumerate() {
            check_port(flow.key.ingress, geometry.ports, || format!("flows[{i}].match.port"))?;
        }
        for family in [Family::V4, Family::V6] {
            let (found, most) = (self.flows.iter().filter(|flow| flow.key.family() == family).count(), geometry.entries(family));
            if found > most as usize {
                return Err(("flows".into(), Problem::TooManyFlows { found, version: version(family), most }));
            }
        }
        for (i, port) in self.ports.iter().enumerate() {
            check_port(port.port, geometry.ports, || format!("ports[{i}].port"))?;
        }
        Ok(())
    }

    /// The set as a file.
    ///
    /// # Panics
    /// When a flow's next hop does not exist, which no set that was read has.
    pub fn to_file(&self) -> FlowsFile {
        FlowsFile {
            next_hops: self.next_hops.iter().map(next_hop_fields).collect(),
            flows: self.flows.iter().map(|flow| self.flow_fields(flow)).collect(),
            ports: self.ports.iter().map(|port| PortFields { port: port.port, mac: format_mac(port.mac) }).collect(),
        }
    }

    fn flow_fields(&self, flow: &Entry) -> FlowFields {
        let (key, action) = (&flow.key, &flow.action);
        let changed = |from: IpAddr, to: IpAddr| (from != to).then_some(to);
        let changed_port = |from: u16, to: u16| (from != to).then_some(to);
        let proto = match key.protocol {
            PROTO_TCP => Protocol::Tcp,
            PROTO_GRE => Protocol::Gre,
            _ => Protocol::Udp,
        };
        FlowFields {
            matches: MatchFields {
                port: key.ingress,
                encap: encap_tags(&key.encap),
                proto,
                src: key.addresses.src(),
                sport: (proto != Protocol::Gre).then_some(key.sport),
                dst: key.addresses.dst(),
                dport: (proto != Protocol::Gre).then_some(key.dport),
            },
            action: ActionFields {
                src: changed(key.addresses.src(), action.addresses.src()),
                sport: changed_port(key.sport, action.sport),
                dst: changed(key.addresses.dst(), action.addresses.dst()),
                dport: changed_port(key.dport, action.dport),
                next_hop: self.next_hops[usize::from(action.next_hop)].id,
            },
        }
    }
}

fn next_hop(fields: &NextHopFields, at: impl Fn(&str) -> String) -> Result<NextHop, FieldError> {
    let egress = match fields.port {
        Egress::Port(port) => {
            check_port(port, MAX_PORTS as u8, || at("port"))?;
            port
        }
        Egress::Host => HOST_PORT,
    };
    let mac = |field: &str, text: &Option<String>| match text {
        Some(text) => Ok(Some(text.clone())),
        None if egress == HOST_PORT => Ok(None),
        None => Err((at(field), Problem::NoMac)),
    };
    let src_mac = mac("src_mac", &fields.src_mac)?.map(|text| station(&text, || at("src_mac"))).transpose()?;
    let dst_mac = mac("dst_mac", &fields.dst_mac)?;
    let dst_mac = dst_mac.map(|text| parse_mac(&text).map_err(|error| (at("dst_mac"), error.into()))).transpose()?;
    Ok(NextHop {
        egress,
        mtu: fields.mtu,
        src_mac: src_mac.unwrap_or_default(),
        dst_mac: dst_mac.unwrap_or_default(),
        encap: encap(&fields.encap, || at("encap"))?,
        valid: true,
    })
}

fn next_hop_fields(named: &SetNextHop) -> NextHopFields {
    let hop = &named.hop;
    let host = hop.egress == HOST_PORT;
    let mac = |mac: MacAddr| (!host || mac != MacAddr::default()).then(|| format_mac(mac));
    NextHopFields {
        id: named.id,
        port: if host { Egress::Host } else { Egress::Port(hop.egress) },
        src_mac: mac(hop.src_mac),
        dst_mac: mac(hop.dst_mac),
        encap: encap_tags(&hop.encap),
        mtu: hop.mtu,
    }
}

fn key(fields: &MatchFields, at: impl Fn(&str) -> String) -> Result<FlowKey, FieldError> {
    check_port(fields.port, MAX_PORTS as u8, || at("match.port"))?;
    let port = |port: Option<u16>, field: &str| match (fields.proto, port) {
        (Protocol::Gre, None) => Ok(0),
        (Protocol::Gre, Some(_)) => Err((at(field), Problem::GrePort)),
        (Protocol::Tcp | Protocol::Udp, port) => port.ok_or_else(|| (at(field), Problem::NoPort)),
    };
    Ok(FlowKey {
        ingress: fields.port,
        encap: encap(&fields.encap, || at("match.encap"))?,
        protocol: match fields.proto {
            Protocol::Tcp => PROTO_TCP,
            Protocol::Udp => PROTO_UDP,
            Protocol::Gre => PROTO_GRE,
        },
        addresses: pair(fields.src, fields.src, fields.dst, &at, "match")?,
        sport: port(fields.sport, "match.sport")?,
        dport: port(fields.dport, "match.dport")?,
    })
}

fn action(key: &FlowKey, fields: &ActionFields, next_hop: u16, at: impl Fn(&str) -> String) -> Result<Action, FieldError> {
    let src = fields.src.unwrap_or(key.addresses.src());
    let dst = fields.dst.unwrap_or(key.addresses.dst());
    let addresses = pair(key.addresses.src(), src, dst, &at, "action")?;
    if key.protocol == PROTO_GRE {
        for (field, port) in [("action.sport", fields.sport), ("action.dport", fields.dport)] {
            if port.is_some() {
                return Err((at(field), Problem::GrePort));
            }
        }
        for (field, same) in [("action.src", src == key.addresses.src()), ("action.dst", dst == key.addresses.dst())] {
            if !same {
                return Err((at(field), Problem::GreTranslated));
            }
        }
    }
    Ok(Action { addresses, sport: fields.sport.unwrap_or(key.sport), dport: fields.dport.unwrap_or(key.dport), next_hop })
}

/// Pairs two addresses that must be of `model`'s family.
fn pair(model: IpAddr, src: IpAddr, dst: IpAddr, at: impl Fn(&str) -> String, part: &str) -> Result<Addresses, FieldError> {
    let version = if model.is_ipv4() { 4 } else { 6 };
    let family = |address: IpAddr, field: &str| (at(&format!("{part}.{field}")), Problem::Family { address, version });
    if src.is_ipv4() != model.is_ipv4() {
        return Err(family(src, "src"));
    }
    Addresses::new(src, dst).ok_or_else(|| family(dst, "dst"))
}

/// A station's own address, which has no group bit (IEEE 802 8.2).
fn station(text: &str, at: impl Fn() -> String) -> Result<MacAddr, FieldError> {
    let mac = parse_mac(text).map_err(|error| (at(), error.into()))?;
    if mac[0] & 1 == 1 { Err((at(), Problem::GroupMac(text.into()))) } else { Ok(mac) }
}

fn check_port(port: u8, ports: u8, at: impl Fn() -> String) -> Result<(), FieldError> {
    if port < ports { Ok(()) } else { Err((at(), Problem::Port { port, last: ports - 1 })) }
}

/// Refuses a next hop whose frames can be longer than the engine's longest. No IP packet is larger than an untagged frame that comes in.
fn check_frame(hop: &NextHop, limits: &Limits, at: impl Fn() -> String) -> Result<(), FieldError> {
    let most = limits.geometry.max_frame_bytes as usize;
    let header = ETH_HEADER_BYTES + hop.encap.bytes();
    let frame = header + usize::from(hop.mtu).min(most - ETH_HEADER_BYTES);
    if hop.egress == HOST_PORT || frame <= most {
        Ok(())
    } else {
        Err((at(), Problem::LongFrame { mtu: hop.mtu, frame, engine: limits.engine, most }))
    }
}

fn version(family: Family) -> u8 {
    match family {
        Family::V4 => 4,
        Family::V6 => 6,
    }
}
