//! A card's port on a Linux interface. Needs root (network namespaces).

use std::time::{Duration, Instant};

use fpgaflow_card::ports::{InterfacePort, PortIo};
use fpgaflow_netns::Namespace;

/// Bytes of the frames: the longest that a link of ordinary MTU has.
const FRAME_BYTES: usize = 1514;
/// Frames of a burst: more than twice what TCP has on its way to one peer at most (tcp_rmem, 6 MiB).
const BURST: u32 = 10_000;

/// Frames between two pauses. The kernel keeps about a thousand frames between two interfaces when it is busy, and drops more
/// (`netdev_max_backlog`): these have to come through.
const BREATH: u32 = 256;

/// Sends frame number `number`.
fn send(port: &mut InterfacePort, number: u32) {
    let mut frame = [0; FRAME_BYTES];
    frame[..12].fill(2);
    frame[12..14].copy_from_slice(&0x88b5_u16.to_be_bytes());
    frame[14..18].copy_from_slice(&number.to_be_bytes());
    assert!(port.transmit(&frame).unwrap(), "frame {number} was not taken");
    if number.is_multiple_of(BREATH) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The number of the next frame that [`send`] sent; others are the system's own.
fn receive(port: &mut InterfacePort) -> Option<u32> {
    while let Some(frame) = port.receive().unwrap() {
        if frame[12..14] == 0x88b5_u16.to_be_bytes() {
            return Some(u32::from_be_bytes(frame[14..18].try_into().unwrap()));
        }
    }
    None
}

/// Runs `test` between both ends of a new wire.
fn on_a_wire(test: impl FnOnce(InterfacePort, InterfacePort)) {
    let (near, far) = (Namespace::new("near").unwrap(), Namespace::new("far").unwrap());
    near.connect("eth", &far, "wire").unwrap();
    let attach = |namespace: &Namespace, name: &'static str| namespace.run(move || InterfacePort::attach(name).unwrap());
    let (mut peer, mut port) = (attach(&near, "eth"), attach(&far, "wire"));
    // A new interface drops frames until its carrier was seen.
    let deadline = Instant::now() + Duration::from_secs(20);
    while receive(&mut port).is_none() {
        assert!(Instant::now() < deadline, "the wire carries nothing");
        send(&mut peer, 0);
    }
    while receive(&mut port).is_some() {}
    test(peer, port);
}

#[test]
fn a_burst_waits_at_the_interface_until_the_card_takes_it() {
    on_a_wire(|mut peer, mut port| {
        (0..BURST).for_each(|number| send(&mut peer, number));
        for number in 0..BURST {
            assert_eq!(receive(&mut port), Some(number));
        }
        assert_eq!((receive(&mut port), port.take_overruns().unwrap()), (None, 0));
    });
}

#[test]
fn frames_that_the_interface_loses_are_counted() {
    on_a_wire(|mut peer, mut port| {
        let sent = 10 * BURST;
        (0..sent).for_each(|number| send(&mut peer, number));
        let lost = port.take_overruns().unwrap();
        let received = std::iter::from_fn(|| receive(&mut port)).count() as u64;
        assert!(lost > 0, "all of {sent} frames were kept");
        // The system's own frames may be among the lost.
        assert!((received + lost).abs_diff(sent.into()) < 64, "{received} received, {lost} lost, {sent} sent");
        assert_eq!(port.take_overruns().unwrap(), 0, "they are counted once");
    });
}
