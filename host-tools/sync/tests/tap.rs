//! Port devices in a network namespace. Needs root.

use fpgaflow_netns::Namespace;
use fpgaflow_sync::tap::Tap;

/// The address of device `name`.
fn address(namespace: &Namespace, name: &str) -> String {
    let line = namespace.command(&format!("ip -brief link show {name}")).unwrap();
    line.split_whitespace().find(|word| word.matches(':').count() == 5).expect("an address").to_owned()
}

fn open(namespace: &Namespace, name: &'static str) -> Tap {
    namespace.run(move || Tap::open(name, None, None)).unwrap()
}

#[test]
fn a_port_has_the_same_address_at_every_start_and_a_device_that_was_there_keeps_its_own() {
    let namespace = Namespace::new("tap").unwrap_or_else(|error| panic!("{error}"));
    let first = open(&namespace, "port0");
    let given = address(&namespace, "port0");
    drop(first);
    let _second = open(&namespace, "port0");
    assert_eq!(address(&namespace, "port0"), given);

    namespace.command("ip tuntap add port1 mode tap").unwrap();
    namespace.command("ip link set port1 address 02:00:00:00:00:2a").unwrap();
    let _attached = open(&namespace, "port1");
    assert_eq!(address(&namespace, "port1"), "02:00:00:00:00:2a");
}
