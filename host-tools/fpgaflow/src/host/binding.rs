//! Handing a card to vfio-pci and back, by `driver_override` (`Documentation/ABI/testing/sysfs-bus-pci`): no other card of the same ids
//! is touched.

use anyhow::{Context, bail};
use fpgaflow_driver::transport::spec::PciAddress;

use super::Host;

/// The driver that hands functions to programs.
pub const VFIO_PCI: &str = "vfio-pci";

impl Host {
    /// Hands a card to vfio-pci. One that is bound to it already stays so.
    ///
    /// # Errors
    /// A function that is no card, a kernel without vfio-pci, and whatever sysfs refuses, by file.
    pub fn bind(&self, address: PciAddress) -> anyhow::Result<()> {
        self.check_card(address)?;
        if !self.path("sys/bus/pci/drivers").join(VFIO_PCI).exists() {
            bail!("the kernel has no driver {VFIO_PCI}: run `modprobe {VFIO_PCI}`");
        }
        self.hand_over(address, VFIO_PCI)?;
        match self.function(address).driver.as_deref() {
            Some(VFIO_PCI) => Ok(()),
            Some(other) => bail!("{address} was taken by driver {other} instead of {VFIO_PCI}"),
            None => bail!("{VFIO_PCI} did not take {address}: see the kernel's log; it needs an IOMMU"),
        }
    }

    /// Takes a card back from vfio-pci and lets the kernel choose its driver anew.
    ///
    /// # Errors
    /// A function that is no card or not bound to vfio-pci, and whatever sysfs refuses, by file.
    pub fn unbind(&self, address: PciAddress) -> anyhow::Result<()> {
        self.check_card(address)?;
        match self.function(address).driver.as_deref() {
            Some(VFIO_PCI) => {}
            Some(other) => bail!("{address} is bound to {other}, not to {VFIO_PCI}"),
            None => bail!("{address} is bound to no driver"),
        }
        self.hand_over(address, "")
    }

    fn check_card(&self, address: PciAddress) -> anyhow::Result<()> {
        if !self.function_dir(address).exists() {
            bail!("there is no PCI function {address}");
        }
        if !self.is_card(address) {
            bail!("{address} is not a flow engine: `fpgaflow cards` lists those that are");
        }
        Ok(())
    }

    /// Frees the function and lets the bus probe it for `driver` alone; for an empty name, for any that fits.
    fn hand_over(&self, address: PciAddress, driver: &str) -> anyhow::Result<()> {
        let dir = self.function_dir(address);
        if self.function(address).driver.as_deref() == Some(driver) {
            return Ok(());
        }
        let write = |file: std::path::PathBuf, text: &str| {
            std::fs::write(&file, text).with_context(|| format!("write {text:?} to {}", file.display()))
        };
        // sysfs clears the override by a line without a name.
        write(dir.join("driver_override"), &format!("{driver}\n"))?;
        if dir.join("driver").exists() {
            write(dir.join("driver/unbind"), &address.to_string())?;
        }
        write(self.path("sys/bus/pci/drivers_probe"), &address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::pci::tests::{IDS, add_function};
    use super::*;

    const CARD: &str = "0000:03:00.0";

    /// A tree with one card; sysfs's files are ordinary ones, so what is written can be read.
    fn tree(driver: Option<&str>) -> (tempfile::TempDir, Host) {
        let dir = tempfile::tempdir().unwrap();
        add_function(dir.path(), CARD, IDS, None);
        let bus = dir.path().join("sys/bus/pci");
        for name in ["vfio-pci", "other"] {
            fs::create_dir_all(bus.join("drivers").join(name)).unwrap();
        }
        if let Some(driver) = driver {
            symlink(format!("../../drivers/{driver}"), bus.join("devices").join(CARD).join("driver")).unwrap();
        }
        let host = Host::at(dir.path());
        (dir, host)
    }

    #[test]
    fn a_card_is_freed_and_probed_for_vfio_alone() {
        let (dir, host) = tree(Some("other"));
        let bus = dir.path().join("sys/bus/pci");
        let error = host.bind(CARD.parse().unwrap()).unwrap_err().to_string();
        // Nobody probes here, so it stays with its driver, and that is said.
        assert_eq!(error, "0000:03:00.0 was taken by driver other instead of vfio-pci");
        let read = |path: &str| fs::read_to_string(bus.join(path)).unwrap();
        assert_eq!(read(&format!("devices/{CARD}/driver_override")), "vfio-pci\n");
        assert_eq!((read("drivers/other/unbind"), read("drivers_probe")), (CARD.to_owned(), CARD.to_owned()));
    }

    #[test]
    fn a_card_that_is_bound_already_is_left_alone() {
        let (dir, host) = tree(Some("vfio-pci"));
        host.bind(CARD.parse().unwrap()).unwrap();
        assert!(!dir.path().join("sys/bus/pci/drivers_probe").exists());
    }

    #[test]
    fn a_card_is_given_back_to_the_driver_that_fits() {
        let (dir, host) = tree(Some("vfio-pci"));
        host.unbind(CARD.parse().unwrap()).unwrap();
        let bus = dir.path().join("sys/bus/pci");
        assert_eq!(fs::read_to_string(bus.join(format!("devices/{CARD}/driver_override"))).unwrap(), "\n");
        assert_eq!(fs::read_to_string(bus.join("drivers/vfio-pci/unbind")).unwrap(), CARD);
        assert_eq!(fs::read_to_string(bus.join("drivers_probe")).unwrap(), CARD);
    }

    #[test]
    fn what_is_no_card_is_refused() {
        let (dir, host) = tree(None);
        add_function(dir.path(), "0000:05:00.0", ["0x8086", "0x1572"], None);
        let said = |address: &str, unbind: bool| {
            let address = address.parse().unwrap();
            (if unbind { host.unbind(address) } else { host.bind(address) }).unwrap_err().to_string()
        };
        assert_eq!(said("0000:09:00.0", false), "there is no PCI function 0000:09:00.0");
        assert!(said("0000:05:00.0", false).starts_with("0000:05:00.0 is not a flow engine"));
        assert_eq!(said(CARD, true), "0000:03:00.0 is bound to no driver");
        fs::remove_dir(dir.path().join("sys/bus/pci/drivers/vfio-pci")).unwrap();
        assert_eq!(said(CARD, false), "the kernel has no driver vfio-pci: run `modprobe vfio-pci`");
    }
}
