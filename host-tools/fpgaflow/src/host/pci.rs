//! The flow engines among the PCI functions of this machine, as sysfs shows them (`Documentation/ABI/testing/sysfs-bus-pci`).

use std::path::PathBuf;

use anyhow::Context;
use fpgaflow_abi::pci::{DEVICE_ID, VENDOR_ID};
use fpgaflow_driver::transport::spec::PciAddress;
use serde::Serialize;

use super::Host;

/// Directory of all PCI functions.
const DEVICES: &str = "sys/bus/pci/devices";

/// A function with the engine's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Where it is.
    #[serde(serialize_with = "as_text")]
    pub address: PciAddress,
    /// The driver that it is bound to.
    pub driver: Option<String>,
    /// Its IOMMU group; none without an IOMMU.
    pub iommu_group: Option<u32>,
    /// Functions in the same group, itself not among them: they are handed over together or not at all.
    pub group_mates: Vec<String>,
    /// Its link: speed and width.
    pub link: Option<String>,
    /// Its memory's NUMA node.
    pub numa_node: Option<u32>,
}

fn as_text<S: serde::Serializer>(address: &PciAddress, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

impl Host {
    /// Directory of a PCI function in sysfs.
    pub fn function_dir(&self, address: PciAddress) -> PathBuf {
        self.path(DEVICES).join(address.to_string())
    }

    /// Every function that is a flow engine, by address.
    ///
    /// # Errors
    /// When the list cannot be read; a machine without PCI has none.
    pub fn cards(&self) -> anyhow::Result<Vec<Function>> {
        let devices = self.path(DEVICES);
        let listed = match std::fs::read_dir(&devices) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.with_context(|| format!("read {}", devices.display()))?,
        };
        let mut cards = Vec::new();
        for entry in listed {
            let name = entry.with_context(|| format!("read {}", devices.display()))?.file_name();
            if let Some(address) = name.to_str().and_then(|name| name.parse().ok())
                && self.is_card(address)
            {
                cards.push(self.function(address));
            }
        }
        cards.sort_by_key(|card| card.address);
        Ok(cards)
    }

    /// Whether a function has the engine's ids.
    pub fn is_card(&self, address: PciAddress) -> bool {
        let id = |file: &str| {
            let text = self.line(self.function_dir(address).join(file))?;
            u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
        };
        id("vendor") == Some(VENDOR_ID) && id("device") == Some(DEVICE_ID)
    }

    /// What sysfs says of a function.
    pub fn function(&self, address: PciAddress) -> Function {
        let dir = self.function_dir(address);
        let link =
            || Some(format!("{} x{}", self.line(dir.join("current_link_speed"))?, self.line(dir.join("current_link_width"))?));
        let mates = std::fs::read_dir(dir.join("iommu_group/devices")).into_iter().flatten();
        let mut group_mates: Vec<String> = mates
            .filter_map(|mate| mate.ok()?.file_name().into_string().ok())
            .filter(|mate| *mate != address.to_string())
            .collect();
        group_mates.sort();
        Function {
            address,
            driver: self.link_name(dir.join("driver")),
            iommu_group: self.link_name(dir.join("iommu_group")).and_then(|group| group.parse().ok()),
            group_mates,
            link: link(),
            numa_node: self.line(dir.join("numa_node")).and_then(|node| node.parse().ok()),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    /// Adds a function to a tree; ids as sysfs writes them.
    pub fn add_function(root: &Path, address: &str, ids: [&str; 2], driver: Option<&str>) {
        let dir = root.join(DEVICES).join(address);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("vendor"), format!("{}\n", ids[0])).unwrap();
        fs::write(dir.join("device"), format!("{}\n", ids[1])).unwrap();
        fs::write(dir.join("driver_override"), "(null)\n").unwrap();
        if let Some(driver) = driver {
            symlink(format!("../../../../bus/pci/drivers/{driver}"), dir.join("driver")).unwrap();
        }
    }

    /// The engine's ids.
    pub const IDS: [&str; 2] = ["0x1af4", "0x10f0"];

    #[test]
    fn cards_are_found_by_their_ids_and_described() {
        let dir = tempfile::tempdir().unwrap();
        add_function(dir.path(), "0000:04:00.0", IDS, None);
        add_function(dir.path(), "0000:03:00.0", IDS, Some("vfio-pci"));
        add_function(dir.path(), "0000:02:00.0", ["0x1af4", "0x1000"], Some("virtio-pci"));
        let bound = dir.path().join(DEVICES).join("0000:03:00.0");
        fs::write(bound.join("current_link_speed"), "8.0 GT/s PCIe\n").unwrap();
        fs::write(bound.join("current_link_width"), "8\n").unwrap();
        fs::write(bound.join("numa_node"), "-1\n").unwrap();
        let group = dir.path().join("sys/kernel/iommu_groups/7/devices");
        fs::create_dir_all(group.join("0000:03:00.0")).unwrap();
        fs::create_dir_all(group.join("0000:03:00.1")).unwrap();
        symlink("../../../../kernel/iommu_groups/7", bound.join("iommu_group")).unwrap();

        let cards = Host::at(dir.path()).cards().unwrap();
        assert_eq!(cards.len(), 2, "{cards:?}");
        let expected = Function {
            address: "0000:03:00.0".parse().unwrap(),
            driver: Some("vfio-pci".into()),
            iommu_group: Some(7),
            group_mates: vec!["0000:03:00.1".into()],
            link: Some("8.0 GT/s PCIe x8".into()),
            numa_node: None,
        };
        assert_eq!(cards[0], expected);
        assert_eq!((cards[1].driver.as_ref(), cards[1].iommu_group), (None, None));
    }

    #[test]
    fn a_machine_without_pci_has_no_cards() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Host::at(dir.path()).cards().unwrap().is_empty());
    }
}
