//! Resets while flows come: what the card is told afterwards is all of them.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fpgaflow_driver::transport::Transport;
use fpgaflow_tests::RouterLab;

use crate::campaign::{Campaign, config};

/// The server's port for these flows.
const PORT: u16 = 7001;
/// Flows that come, beside the stream.
const FLOWS: usize = 90;
/// The flows after which the card is reset: as often as it may be before it has to rest.
const RESETS_AFTER: [usize; 3] = [20, 45, 70];
/// Exchanges that make a flow known in both directions.
const EXCHANGES: usize = 2;
/// Most attempts of one exchange: frames that are in the card when it is reset are lost.
const ATTEMPTS: usize = 20;

/// Sends `number` and waits for it to come back; whether it did, unchanged.
fn exchange(socket: &UdpSocket, number: usize) -> bool {
    let sent = (number as u64).to_le_bytes();
    let mut received = [0; 16];
    (0..ATTEMPTS).any(|_| {
        // As a router out of order may say "unreachable", an error is as good as no answer.
        socket.send(&sent).is_ok() && socket.recv(&mut received).is_ok_and(|length| received[..length] == sent)
    })
}

#[test]
fn resets_while_flows_come_lose_none_of_them() {
    let campaign = Campaign::new(config());
    let service = campaign.lab.server.run(|| UdpSocket::bind((RouterLab::SERVER, PORT))).unwrap();
    service.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&ended);
    let serving = std::thread::spawn(move || {
        let mut buffer = [0; 16];
        while !until.load(Ordering::Relaxed) {
            if let Ok((length, from)) = service.recv_from(&mut buffer) {
                assert_eq!(from.ip().to_string(), RouterLab::OUTSIDE);
                // An answer that is not taken is asked for again.
                let _ = service.send_to(&buffer[..length], from);
            }
        }
    });

    let before = campaign.before();
    let mut sockets = Vec::new();
    for number in 0..FLOWS {
        if RESETS_AFTER.contains(&number) {
            campaign.card.reset().unwrap();
        }
        let socket = campaign.lab.client.run(|| UdpSocket::bind((RouterLab::CLIENT, 0))).unwrap();
        socket.connect((RouterLab::SERVER, PORT)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        for _ in 0..EXCHANGES {
            assert!(exchange(&socket, number), "flow {number} is not forwarded");
        }
        sockets.push(socket);
    }
    campaign.lab.wait_for("every flow in the card", |snapshot| snapshot.in_card == FLOWS + 1);
    campaign.wait_until_the_card_forwards();

    // Were one of them not in the card, the host would forward it.
    let host = campaign.lab.handle.frames();
    for (number, socket) in sockets.iter().enumerate() {
        assert!(exchange(socket, number), "flow {number} is not forwarded any more");
    }
    let host_now = campaign.lab.handle.frames();
    assert_eq!((host_now.software, host_now.recoveries), (host.software, host.recoveries), "the card does not have every flow");
    ended.store(true, Ordering::Relaxed);
    serving.join().expect("every datagram came from where it should");
    let longest = campaign.echo.longest_silence(before.at());
    println!("resets while flows come: longest silence of the stream {} ms", longest.as_millis());
    let frames = campaign.finish();
    assert!((1..=RESETS_AFTER.len() as u64).contains(&frames.recoveries) && frames.absences == 0, "{frames:?}");
}
