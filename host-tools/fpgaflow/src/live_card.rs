//! The verilated card on live traffic: clocked by a thread, its ports on Linux interfaces or joined by a cable.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use fpgaflow_card::ports::{InterfacePort, PortIo, cable};
use fpgaflow_card::{Card, CosimTransport, Runner, Width};
use fpgaflow_driver::transport::{Reach, Transport};

/// A port's wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The port.
    pub port: usize,
    /// The interface.
    pub interface: String,
}

impl FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, interface) = text.split_once('=').ok_or("expected PORT=INTERFACE")?;
        let port = port.parse().map_err(|_| format!("\"{port}\" is not a port number"))?;
        if interface.is_empty() {
            return Err("expected the name of an interface behind =".to_owned());
        }
        Ok(Self { port, interface: interface.to_owned() })
    }
}

/// A card that runs until this is dropped.
#[derive(Debug)]
pub struct LiveCard {
    /// The driver's way to it.
    pub transport: Arc<CosimTransport>,
    /// Its clock.
    pub runner: Runner,
}

impl LiveCard {
    /// The card with a data path of `width`, its every port attached to an interface of the caller's network namespace.
    ///
    /// # Errors
    /// A port without a wire or with two, and what the system said to an interface by name.
    pub fn start(width: Width, wires: &[Wire]) -> anyhow::Result<Self> {
        let mut ports: Vec<Box<dyn PortIo>> = Vec::new();
        let count = usize::from(width.geometry().ports);
        for port in 0..count {
            let of_port: Vec<&Wire> = wires.iter().filter(|wire| wire.port == port).collect();
            let [wire] = of_port.as_slice() else {
                bail!("port {port} of card sim has {} wires; say --wire {port}=INTERFACE once", of_port.len());
            };
            let attached = InterfacePort::attach(&wire.interface)
                .with_context(|| format!("attach port {port} of card sim to interface {}", wire.interface))?;
            ports.push(Box::new(attached));
        }
        if let Some(wire) = wires.iter().find(|wire| wire.port >= count) {
            bail!("--wire {}={}: card sim has ports 0 to {}", wire.port, wire.interface, count - 1);
        }
        Self::with_ports(width, ports)
    }

    /// The card with a data path of `width`, its two ports joined by a cable.
    ///
    /// # Errors
    /// What the system said.
    pub fn cabled(width: Width) -> anyhow::Result<Self> {
        assert_eq!(width.geometry().ports, 2, "a cable leaves no port without a wire");
        let (near, far) = cable();
        Self::with_ports(width, vec![Box::new(near), Box::new(far)])
    }

    /// The daemon's way to it.
    pub fn reach(&self) -> Reach {
        let transport = Arc::clone(&self.transport);
        Arc::new(move || Ok(Arc::clone(&transport) as Arc<dyn Transport>))
    }

    fn with_ports(width: Width, ports: Vec<Box<dyn PortIo>>) -> anyhow::Result<Self> {
        let transport = CosimTransport::new(Card::new(width)?).context("make card sim")?;
        let runner = Runner::start(Arc::clone(&transport), ports).context("start the clock of card sim")?;
        Ok(Self { transport, runner })
    }
}
