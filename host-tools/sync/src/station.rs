//! The Ethernet address of a port that nobody gave one: the same whenever the daemon starts, so that neighbours need not learn it anew.

use fpgaflow_abi::next_hop::MacAddr;
use sha2::{Digest, Sha256};

/// Where a machine's identity is, machine-id(5).
const MACHINE_ID: &str = "/etc/machine-id";
/// Keeps our addresses apart from others that are made of the same identity, as machine-id(5) asks.
const PURPOSE: &str = "fpgaflow port address";

/// The address of port device `name` on this machine; `None` where the machine has no identity.
pub fn address(name: &str) -> Option<MacAddr> {
    let machine = std::fs::read_to_string(MACHINE_ID).ok()?;
    let machine = machine.trim();
    (!machine.is_empty()).then(|| address_on(machine, name))
}

/// The same on the machine with the identity `machine`: a local unicast address (IEEE 802 8.4).
fn address_on(machine: &str, name: &str) -> MacAddr {
    let digest = Sha256::new().chain_update(PURPOSE).chain_update([0]).chain_update(machine).chain_update([0]).chain_update(name);
    let digest = digest.finalize();
    let mut address = MacAddr::default();
    address.copy_from_slice(&digest[..6]);
    address[0] = address[0] & !1 | 2;
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_local_unicast_and_belongs_to_machine_and_name() {
        let address = address_on("3d12", "fpga0");
        assert_eq!(address[0] & 3, 2);
        assert_eq!(address, address_on("3d12", "fpga0"));
        assert_ne!(address, address_on("3d12", "fpga1"));
        assert_ne!(address, address_on("3d13", "fpga0"));
    }
}
