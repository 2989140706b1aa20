//! The conformance suite on the transports that a host without a card has: in process, and over a vfio-user socket.

use std::sync::Arc;
use std::time::Duration;

use fpgaflow_card::ports::{PortIo, cable};
use fpgaflow_card::{CosimTransport, Runner, Width};
use fpgaflow_driver::bench::transport::{Workload, run as measure};
use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::{self, Transport};
use fpgaflow_tests::verilated;
use fpgaflow_vfio_user::Server;

/// A card that is being clocked, with a cable between its ports 0 and 1.
fn card_with_a_cable() -> (Arc<CosimTransport>, Runner) {
    let card = verilated(Width::Bits64);
    let (near, far) = cable();
    let ports: Vec<Box<dyn PortIo>> = vec![Box::new(near), Box::new(far)];
    let runner = Runner::start(Arc::clone(&card), ports).expect("start the card");
    (card, runner)
}

#[test]
fn the_card_in_process_conforms() {
    let (card, runner) = card_with_a_cable();
    let report = fpgaflow_conformance::run(|| Ok(Arc::clone(&card) as _));
    assert!(report.conforms(), "\n{report}");
    runner.stop().expect("the card ran to the end");
}

#[test]
fn the_card_behind_a_socket_conforms() {
    let (card, runner) = card_with_a_cable();
    let dir = tempfile::tempdir().expect("make a directory");
    let path = dir.path().join("card.sock");
    let server = Server::bind(&path, card).expect("bind the socket");
    let stopper = server.stopper();
    let serving = std::thread::spawn(move || server.serve());

    let report = fpgaflow_conformance::run(|| transport::open(&CardSpec::VfioUser(path.clone())));
    assert!(report.conforms(), "\n{report}");

    stopper.stop();
    let clients = serving.join().expect("the server does not panic").expect("the socket holds");
    assert_eq!(clients, fpgaflow_conformance::CHECKS.len() as u64, "one client a check");
    runner.stop().expect("the card ran to the end");
}

/// Measures, and checks what must be true of any figures.
fn measures(transport: Arc<dyn Transport>) {
    let name = transport.name().to_owned();
    let report = measure(transport, &Workload { duration: Duration::from_millis(300), ..Workload::default() }).expect("measure");
    for (what, rate) in [
        ("register reads", report.register_reads),
        ("commands", report.commands),
        ("frames to the card", report.frames_to_card),
        ("frames to the host", report.frames_to_host),
    ] {
        println!("{name}: {what}: {:.0}/s", rate.per_second());
        assert!(rate.count > 0, "{name}: no {what}");
    }
    assert!(report.frames_to_host.count <= report.frames_to_card.count, "the cable makes no frames: {report:?}");
}

#[test]
fn both_transports_are_measured() {
    let (card, runner) = card_with_a_cable();
    measures(Arc::clone(&card) as _);
    let dir = tempfile::tempdir().expect("make a directory");
    let path = dir.path().join("card.sock");
    let server = Server::bind(&path, card).expect("bind the socket");
    let stopper = server.stopper();
    let serving = std::thread::spawn(move || server.serve());
    measures(transport::open(&CardSpec::VfioUser(path)).expect("open the card"));
    stopper.stop();
    serving.join().expect("the server does not panic").expect("the socket holds");
    runner.stop().expect("the card ran to the end");
}
