//! The ports of an engine: which interface each belongs to, and what it means.

use std::fmt;

/// Which way a port goes, seen from the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The shell drives it.
    In,
    /// The engine drives it.
    Out,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "input",
            Self::Out => "output",
        })
    }
}

/// A port of the top module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Its bits.
    pub width: usize,
}

/// What a port belongs to. A bus has a name, and so has the port in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interface {
    /// The one clock.
    Clock,
    /// The one reset.
    Reset,
    /// AXI4-Stream, AXI4-Lite or AXI4.
    Bus {
        /// Which of them.
        protocol: Protocol,
        /// Name of the bus: `s_axis_rx_0`.
        bus: String,
        /// Name in the bus, as the protocol spells it: `TDATA`.
        signal: String,
    },
    /// Requests for interrupts.
    Interrupt,
}

/// Protocol of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AXI4-Stream.
    Stream,
    /// AXI4-Lite, the engine answers.
    Lite,
    /// AXI4, the engine asks.
    Full,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "AXI4-Stream",
            Self::Lite => "AXI4-Lite",
            Self::Full => "AXI4",
        })
    }
}

/// What the port called `name` belongs to; `None` when nobody has said.
pub(crate) fn interface(name: &str) -> Option<Interface> {
    Some(match name {
        "clock" => Interface::Clock,
        "reset" => Interface::Reset,
        "irq_valid" | "irq_vector" | "irq_ready" => Interface::Interrupt,
        _ => {
            let (bus, signal) = name.rsplit_once('_')?;
            let protocol = match bus {
                "s_axil" => Protocol::Lite,
                "m_axi" => Protocol::Full,
                _ => {
                    let number = bus.strip_prefix("s_axis_rx_").or_else(|| bus.strip_prefix("m_axis_tx_"))?;
                    number.parse::<u8>().ok()?;
                    Protocol::Stream
                }
            };
            Interface::Bus { protocol, bus: bus.to_owned(), signal: signal.to_ascii_uppercase() }
        }
    })
}

/// What a port means to who connects it.
pub(crate) fn meaning(port: &Port, interface: &Interface) -> &'static str {
    match interface {
        Interface::Clock => "The one clock; everything happens at its rising edge.",
        Interface::Reset => "Synchronous, active high.",
        Interface::Interrupt => match port.name.as_str() {
            "irq_valid" => "An interrupt is asked for; stays until it is taken.",
            "irq_vector" => "Its vector, a number of an MSI-X table.",
            _ => "It is taken.",
        },
        Interface::Bus { protocol: Protocol::Stream, signal, .. } => match (signal.as_str(), port.direction) {
            ("TDATA", _) => "A beat; bits 7:0 are the first byte of the wire.",
            ("TKEEP", _) => "Which bytes count: all but in a last beat, there from byte 0 up without a hole.",
            ("TLAST", _) => "Last beat of its frame.",
            ("TUSER", _) => "With the last beat: the frame is bad and to be dropped.",
            ("TVALID", Direction::In) => "The MAC has a beat.",
            ("TREADY", Direction::Out) => "The engine takes it. Low when the store of the port is full.",
            ("TVALID", Direction::Out) => "The engine has a beat; no gap inside a frame on its account.",
            _ => "The MAC takes it.",
        },
        Interface::Bus { signal, .. } => match signal.as_str() {
            "AWID" | "ARID" => "Always 0: answers come in order.",
            "AWADDR" => "Write address in bytes.",
            "ARADDR" => "Read address in bytes.",
            "AWLEN" | "ARLEN" => "Beats of the burst, less one; at most 15.",
            "AWSIZE" | "ARSIZE" => "Always 3: beats of 8 bytes.",
            "AWBURST" | "ARBURST" => "Always 1: INCR.",
            "WDATA" => "Write data.",
            "WSTRB" => "Which of its bytes are written.",
            "WLAST" | "RLAST" => "Last beat of the burst.",
            "RDATA" => "Read data.",
            "BRESP" | "RRESP" => "Response.",
            "AWVALID" | "AWREADY" => "Handshake of the write address.",
            "WVALID" | "WREADY" => "Handshake of the write data.",
            "BVALID" | "BREADY" => "Handshake of the write response.",
            "ARVALID" | "ARREADY" => "Handshake of the read address.",
            _ => "Handshake of the read data.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_told_by_its_name() {
        let bus = |protocol, bus: &str, signal: &str| Some(Interface::Bus { protocol, bus: bus.into(), signal: signal.into() });
        assert_eq!(interface("s_axis_rx_3_tdata"), bus(Protocol::Stream, "s_axis_rx_3", "TDATA"));
        assert_eq!(interface("s_axil_awaddr"), bus(Protocol::Lite, "s_axil", "AWADDR"));
        assert_eq!(interface("m_axi_rlast"), bus(Protocol::Full, "m_axi", "RLAST"));
        assert_eq!(interface("reset"), Some(Interface::Reset));
        for strange in ["s_axis_rx_tdata", "debug", "x_axi_awaddr"] {
            assert_eq!(interface(strange), None, "{strange}");
        }
    }
}
