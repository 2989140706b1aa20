//! A stream of datagrams that the server sends back, each checked at both ends: what arrives is what was sent, and from where it should.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fpgaflow_tests::RouterLab;

/// The server's port.
pub const PORT: u16 = 7000;
/// Between two datagrams.
const EVERY: Duration = Duration::from_millis(4);
/// Bytes of a datagram: its number and what follows from it.
const DATAGRAM_BYTES: usize = 100;

/// What was seen of the stream.
#[derive(Debug, Default)]
struct Log {
    /// When datagram `n` was sent.
    sent: Vec<Instant>,
    /// Answers by number, and when they came.
    answers: Vec<(usize, Instant)>,
    /// What should not have arrived as it did.
    wrong: Vec<String>,
}

/// The stream, until it is stopped.
pub struct Echo {
    log: Arc<Mutex<Log>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

fn locked(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn datagram(number: usize) -> [u8; DATAGRAM_BYTES] {
    let mut bytes = [0; DATAGRAM_BYTES];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (number.wrapping_mul(0x9e37_79b9).wrapping_add(i * 0x85eb) >> 5) as u8;
    }
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

/// The number of a datagram that is as it was sent.
fn number(bytes: &[u8]) -> Option<usize> {
    let number = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?) as usize;
    (bytes == datagram(number)).then_some(number)
}

/// What a thread does again and again.
type Work = Box<dyn Fn(&Mutex<Log>) + Send>;

impl Echo {
    /// Starts it.
    pub fn start(lab: &RouterLab) -> Self {
        let service = lab.server.run(|| UdpSocket::bind((RouterLab::SERVER, PORT))).unwrap();
        let near = lab.client.run(|| UdpSocket::bind((RouterLab::CLIENT, 0))).unwrap();
        near.connect((RouterLab::SERVER, PORT)).unwrap();
        for socket in [&service, &near] {
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        }
        let (log, stop) = (Arc::new(Mutex::new(Log::default())), Arc::new(AtomicBool::new(false)));
        let near = Arc::new(near);
        let mut threads = Vec::new();
        let mut spawn = |body: Work| {
            let (log, stop) = (Arc::clone(&log), Arc::clone(&stop));
            threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    body(&log);
                }
            }));
        };
        spawn(Box::new(move |log| serve(&service, log)));
        let receiving = Arc::clone(&near);
        spawn(Box::new(move |log| take_answer(&receiving, log)));
        spawn(Box::new(move |log| {
            let number = {
                let mut log = locked(log);
                log.sent.push(Instant::now());
                log.sent.len() - 1
            };
            // A router that is out of order may answer "unreachable", which the next call is told.
            let _ = near.send(&datagram(number));
            std::thread::sleep(EVERY);
        }));
        Self { log, stop, threads }
    }

    /// When the first answer to a datagram came that was sent after `since`.
    pub fn answered_since(&self, since: Instant) -> Option<Instant> {
        let log = locked(&self.log);
        let first = log.sent.partition_point(|sent| *sent < since);
        log.answers.iter().filter(|(number, _)| *number >= first).map(|(_, at)| *at).min()
    }

    /// Answers so far.
    pub fn answers(&self) -> usize {
        locked(&self.log).answers.len()
    }

    /// Longest time without an answer from `since` on.
    pub fn longest_silence(&self, since: Instant) -> Duration {
        let mut last = since;
        let mut longest = Duration::ZERO;
        for (_, at) in locked(&self.log).answers.iter().filter(|(_, at)| *at >= since) {
            longest = longest.max(at.saturating_duration_since(last));
            last = *at;
        }
        longest
    }

    /// Ends the stream and says what arrived that should not have.
    pub fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("the stream's threads do not panic");
        }
        std::mem::take(&mut locked(&self.log).wrong)
    }
}

/// Sends back what comes.
fn serve(socket: &UdpSocket, log: &Mutex<Log>) {
    let mut buffer = [0; 2048];
    let Ok((length, from)) = socket.recv_from(&mut buffer) else { return };
    let translated =
        matches!(from, SocketAddr::V4(from) if *from.ip() == RouterLab::OUTSIDE.parse::<Ipv4Addr>().expect("an address"));
    if !translated || number(&buffer[..length]).is_none() {
        locked(log).wrong.push(format!("the server got {length} bytes from {from}: {:02x?}", &buffer[..length]));
    }
    // As for the client's.
    let _ = socket.send_to(&buffer[..length], from);
}

fn take_answer(socket: &UdpSocket, log: &Mutex<Log>) {
    let mut buffer = [0; 2048];
    let Ok(length) = socket.recv(&mut buffer) else { return };
    let mut log = locked(log);
    match number(&buffer[..length]).filter(|number| *number < log.sent.len()) {
        Some(number) => log.answers.push((number, Instant::now())),
        None => log.wrong.push(format!("the client got {length} bytes: {:02x?}", &buffer[..length])),
    }
}
