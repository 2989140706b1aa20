//! Registers, without rings.

use std::sync::Arc;

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::{self, Access};
use fpgaflow_driver::transport::{BarOffset, Transport};

use crate::failure::{Failure, equal};
use crate::host::Host;

/// Identity registers, read one by one, are what the driver made of them; a second opening finds the same.
pub(super) fn identity(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let geometry: Geometry = *Host::open(transport)?.card.geometry();
    for register in regs::REGISTERS {
        if let Some(expected) = geometry.register(register.offset) {
            equal(register.name, transport.read(BarOffset(register.offset))?, expected)?;
        }
    }
    equal("the card opened again", *Host::open(transport)?.card.geometry(), geometry)
}

/// Every bit of a register that keeps all of them; writes to the identity change nothing.
pub(super) fn read_back(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    transport.reset()?;
    let kept = [("SCRATCH", regs::SCRATCH), ("PORT_MAC_LO", regs::PORT_MAC_LO)];
    for (name, offset) in kept {
        for value in (0..32).map(|bit| 1 << bit).chain([0, u32::MAX, 0x0403_0201]) {
            transport.write(BarOffset(offset), value)?;
            equal(name, transport.read(BarOffset(offset))?, value)?;
        }
    }
    for register in regs::REGISTERS.iter().filter(|register| register.offset < regs::SCRATCH) {
        let read_only = matches!(register.access, Access::Ro);
        equal("identity registers are read only", read_only, true)?;
        let before = transport.read(BarOffset(register.offset))?;
        transport.write(BarOffset(register.offset), !before)?;
        equal(register.name, transport.read(BarOffset(register.offset))?, before)?;
    }
    Ok(())
}

/// What was set is gone, and the card answers at once.
pub(super) fn reset(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let set = [regs::SCRATCH, regs::IRQ_ENABLE, regs::PORT_MAC_LO, regs::FLOW_CTRL];
    for _ in 0..3 {
        for offset in set {
            transport.write(BarOffset(offset), 1)?;
        }
        transport.reset()?;
        for offset in set {
            equal("a register after a reset", transport.read(BarOffset(offset))?, 0)?;
        }
        equal("MAGIC", transport.read(BarOffset(regs::MAGIC))?, fpgaflow_abi::MAGIC)?;
    }
    Ok(())
}
