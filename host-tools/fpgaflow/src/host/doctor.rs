//! What cards and daemon need of this machine, checked one by one, each finding with its remedy.

use rustix::process::{Resource, getrlimit};
use rustix::thread::CapabilitySet;
use serde::Serialize;

use super::Host;
use super::binding::VFIO_PCI;

/// Memory that the driver maps for DMA with its default rings, rounded up: VFIO counts it against RLIMIT_MEMLOCK.
const DMA_BYTES: u64 = 64 << 20;
/// Size of the huge pages that DMA memory is made of when there are some free.
const HUGE_PAGES: &str = "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but slower or with less.
    Warning,
    /// Something will not work.
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, level: Level::Ok, found: found.into(), remedy: None }
}

fn bad(check: &'static str, level: Level, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { check, level, found: found.into(), remedy: Some(remedy.into()) }
}

/// Everything, in the order in which one would repair it.
///
/// # Errors
/// When the list of PCI functions cannot be read.
pub fn examine(host: &Host) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![rights(), iommu(host), vfio(host), vfio_pci(host)];
    findings.extend(cards(host)?);
    findings.extend([
        memlock(),
        huge_pages(host),
        tun(host),
        nftables(),
        conntrack(host),
        conntrack_events(host),
        forwarding(host),
    ]);
    Ok(findings)
}

fn rights() -> Finding {
    const CHECK: &str = "rights";
    match rustix::thread::capabilities(None) {
        Ok(sets) if sets.effective.contains(CapabilitySet::NET_ADMIN) => ok(CHECK, "CAP_NET_ADMIN"),
        _ => bad(CHECK, Level::Failure, "no CAP_NET_ADMIN", "run as root, or `setcap cap_net_admin+ep` the binary"),
    }
}

fn iommu(host: &Host) -> Finding {
    const CHECK: &str = "iommu";
    let groups = std::fs::read_dir(host.path("sys/kernel/iommu_groups")).into_iter().flatten().count();
    match groups {
        0 => bad(
            CHECK,
            Level::Failure,
            "the kernel uses no IOMMU",
            "turn on VT-d or AMD-Vi in the firmware's setup and boot with intel_iommu=on or amd_iommu=on",
        ),
        _ => ok(CHECK, format!("{groups} groups")),
    }
}

fn vfio(host: &Host) -> Finding {
    const CHECK: &str = "vfio";
    let doors = [("dev/iommu", "iommufd"), ("dev/vfio/vfio", "groups and containers")];
    let found: Vec<&str> = doors.iter().filter(|(path, _)| host.path(path).exists()).map(|(_, name)| *name).collect();
    match found.is_empty() {
        true => bad(CHECK, Level::Failure, "neither /dev/iommu nor /dev/vfio/vfio", format!("run `modprobe {VFIO_PCI}`")),
        false => ok(CHECK, found.join(", ")),
    }
}

fn vfio_pci(host: &Host) -> Finding {
    const CHECK: &str = VFIO_PCI;
    match host.path("sys/bus/pci/drivers").join(VFIO_PCI).exists() {
        true => ok(CHECK, "the driver is there"),
        false => bad(CHECK, Level::Failure, "the driver is not there", format!("run `modprobe {VFIO_PCI}`")),
    }
}

fn cards(host: &Host) -> anyhow::Result<Vec<Finding>> {
    const CHECK: &str = "card";
    let cards = host.cards()?;
    if cards.is_empty() {
        let remedy = "seat and flash a card, then rescan: `echo 1 > /sys/bus/pci/rescan`; without one, use --card sim";
        return Ok(vec![bad(CHECK, Level::Warning, "no flow engine among the PCI functions", remedy)]);
    }
    let finding = |card: &super::pci::Function| {
        let address = card.address;
        let mates = card.group_mates.iter().filter_map(|mate| mate.parse().ok()).map(|mate| host.function(mate));
        let taken: Vec<String> = mates
            .filter(|mate| mate.driver.as_deref().is_some_and(|driver| driver != VFIO_PCI))
            .map(|mate| mate.address.to_string())
            .collect();
        match card.driver.as_deref() {
            _ if !taken.is_empty() => bad(
                CHECK,
                Level::Failure,
                format!("{address} shares its IOMMU group with {}, which other drivers use", taken.join(", ")),
                "put the card into another slot, or hand those functions to vfio-pci as well",
            ),
            Some(VFIO_PCI) => ok(CHECK, format!("{address} is bound to {VFIO_PCI}")),
            other => bad(
                CHECK,
                Level::Failure,
                format!("{address} is bound to {}", other.unwrap_or("no driver")),
                format!("run `fpgaflow bind {address}`"),
            ),
        }
    };
    Ok(cards.iter().map(finding).collect())
}

fn memlock() -> Finding {
    const CHECK: &str = "memlock";
    match getrlimit(Resource::Memlock).current {
        Some(limit) if limit < DMA_BYTES => bad(
            CHECK,
            Level::Warning,
            format!("{} KiB may be locked", limit >> 10),
            format!("raise it to {} MiB: `ulimit -l`, or LimitMEMLOCK= in the unit", DMA_BYTES >> 20),
        ),
        Some(limit) => ok(CHECK, format!("{} MiB may be locked", limit >> 20)),
        None => ok(CHECK, "unlimited"),
    }
}

fn huge_pages(host: &Host) -> Finding {
    const CHECK: &str = "huge pages";
    match host.number(HUGE_PAGES) {
        Some(free) if free > 0 => ok(CHECK, format!("{free} of 2 MiB free")),
        _ => bad(CHECK, Level::Warning, "none of 2 MiB free", "run `sysctl vm.nr_hugepages=64`: DMA then needs fewer mappings"),
    }
}

fn tun(host: &Host) -> Finding {
    const CHECK: &str = "tun";
    match host.path("dev/net/tun").exists() {
        true => ok(CHECK, "/dev/net/tun"),
        false => bad(CHECK, Level::Failure, "no /dev/net/tun", "run `modprobe tun`"),
    }
}

fn nftables() -> Finding {
    const CHECK: &str = "nftables";
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' programs are not on every user's path.
    let mut directories = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(Into::into));
    match directories.find(|directory: &std::path::PathBuf| directory.join("nft").exists()) {
        Some(directory) => ok(CHECK, directory.join("nft").display().to_string()),
        None => bad(
            CHECK,
            Level::Warning,
            "no program nft",
            "install the package nftables, to have rules that mark flows and translate",
        ),
    }
}

fn conntrack(host: &Host) -> Finding {
    const CHECK: &str = "conntrack";
    match host.number("proc/sys/net/netfilter/nf_conntrack_max") {
        Some(most) => ok(CHECK, format!("up to {most} connections")),
        None => bad(
            CHECK,
            Level::Failure,
            "the kernel tracks no connections",
            "run `modprobe nf_conntrack_netlink` and have a rule that uses `ct state`",
        ),
    }
}

fn conntrack_events(host: &Host) -> Finding {
    const CHECK: &str = "conntrack events";
    match host.number("proc/sys/net/netfilter/nf_conntrack_events") {
        Some(0) => bad(CHECK, Level::Failure, "turned off", "run `sysctl net.netfilter.nf_conntrack_events=1`"),
        Some(_) => ok(CHECK, "turned on"),
        None => bad(CHECK, Level::Failure, "the kernel has none", "use a kernel with CONFIG_NF_CONNTRACK_EVENTS"),
    }
}

fn forwarding(host: &Host) -> Finding {
    const CHECK: &str = "forwarding";
    match host.number("proc/sys/net/ipv4/ip_forward") {
        Some(1) => ok(CHECK, "IPv4 is forwarded"),
        _ => bad(CHECK, Level::Warning, "IPv4 is not forwarded", "run `sysctl net.ipv4.ip_forward=1`"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::pci::tests::{IDS, add_function};
    use super::*;

    /// What was found of one check.
    fn of<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.check == check).unwrap()
    }

    fn write(root: &Path, path: &str, text: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn every_fault_of_a_bare_machine_has_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let findings = examine(&Host::at(dir.path())).unwrap();
        for check in ["iommu", "vfio", "vfio-pci", "tun", "conntrack", "conntrack events"] {
            let finding = of(&findings, check);
            assert!(finding.level == Level::Failure && finding.remedy.is_some(), "{finding:?}");
        }
        for check in ["card", "huge pages", "forwarding"] {
            let finding = of(&findings, check);
            assert!(finding.level == Level::Warning && finding.remedy.is_some(), "{finding:?}");
        }
    }

    #[test]
    fn a_machine_that_is_ready_has_nothing_to_repair() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        add_function(root, "0000:03:00.0", IDS, Some("vfio-pci"));
        for path in ["sys/kernel/iommu_groups/7/type", "dev/vfio/vfio", "dev/net/tun", "sys/bus/pci/drivers/vfio-pci/bind"] {
            write(root, path, "");
        }
        write(root, HUGE_PAGES, "12\n");
        write(root, "proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
        write(root, "proc/sys/net/netfilter/nf_conntrack_events", "2\n");
        write(root, "proc/sys/net/ipv4/ip_forward", "1\n");
        let findings = examine(&Host::at(root)).unwrap();
        // The rest is this machine's own.
        for finding in findings.iter().filter(|finding| !["rights", "memlock", "nftables"].contains(&finding.check)) {
            assert_eq!((finding.level, &finding.remedy), (Level::Ok, &None), "{finding:?}");
        }
    }

    #[test]
    fn a_card_whose_group_others_use_cannot_be_handed_over() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        add_function(root, "0000:03:00.0", IDS, Some("vfio-pci"));
        add_function(root, "0000:03:00.1", ["0x8086", "0x1572"], Some("i40e"));
        for name in ["0000:03:00.0", "0000:03:00.1"] {
            fs::create_dir_all(root.join("sys/kernel/iommu_groups/7/devices").join(name)).unwrap();
        }
        let card = root.join("sys/bus/pci/devices/0000:03:00.0");
        symlink("../../../../kernel/iommu_groups/7", card.join("iommu_group")).unwrap();
        let findings = examine(&Host::at(root)).unwrap();
        let finding = of(&findings, "card");
        assert_eq!(finding.level, Level::Failure);
        assert!(finding.found.contains("shares its IOMMU group with 0000:03:00.1"), "{finding:?}");
        fs::write(root.join("sys/bus/pci/devices/0000:03:00.1/driver_override"), "").unwrap();
        fs::remove_file(root.join("sys/bus/pci/devices/0000:03:00.1/driver")).unwrap();
        assert_eq!(of(&examine(&Host::at(root)).unwrap(), "card").level, Level::Ok, "a function without a driver is no obstacle");
    }
}
