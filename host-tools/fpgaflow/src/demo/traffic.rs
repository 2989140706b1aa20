//! What client and server say to each other: a file by TCP, a stream of echoed datagrams by UDP.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// A file's checksum.
pub type Checksum = [u8; 32];

/// Bytes written or read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Longest wait for the other side before the transfer counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Datagrams under way at most: none is lost to a full socket buffer.
const UDP_WINDOW: u64 = 16;
/// Bytes of a datagram.
const DATAGRAM_BYTES: usize = 512;
/// Wait for an echo before its datagram counts as lost.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// How far the traffic is, for the live figures.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the file that the client has handed over.
    pub tcp_bytes: AtomicU64,
    /// Datagrams whose echo came back.
    pub udp_echoes: AtomicU64,
    /// Ends all traffic, early or when it is over.
    pub stop: Stop,
}

/// Asks a demonstration to end. Clones ask the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Checksum of what the client sent.
    pub sent: Checksum,
    /// Checksum that the server answered with.
    pub received: Checksum,
    /// From connecting to the server's answer.
    pub elapsed: Duration,
}

/// What became of the datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Echoes {
    /// Datagrams sent.
    pub sent: u64,
    /// Echoes that came back whole.
    pub returned: u64,
}

/// Serves one connection: reads to the end, answers with the checksum of what came.
pub fn serve_file(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        hash.update(&chunk[..length]);
    }
    stream.write_all(&hash.finalize())
}

/// Sends `length` bytes, made from a counter so that none is like its neighbour, and reads the answer.
pub fn send_file(server: SocketAddr, length: u64, progress: &Progress) -> io::Result<Transfer> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut hash = Sha256::new();
    let mut left = length;
    let mut block = 0_u64;
    while left > 0 && !progress.stop.is_asked() {
        let mut chunk: Vec<u8> =
            (0..CHUNK_BYTES as u64 / 32).flat_map(|i| Sha256::digest((block * CHUNK_BYTES as u64 + i).to_le_bytes())).collect();
        chunk.truncate(usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES));
        hash.update(&chunk);
        stream.write_all(&chunk)?;
        left -= chunk.len() as u64;
        block += 1;
        progress.tcp_bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
    stream.shutdown(Shutdown::Write)?;
    let mut received = Checksum::default();
    stream.read_exact(&mut received)?;
    Ok(Transfer { sent: hash.finalize().into(), received, elapsed: begun.elapsed() })
}

/// Sends every datagram back until told to stop.
pub fn serve_echo(socket: &UdpSocket, stop: &Stop) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut datagram = [0; 2048];
    while !stop.is_asked() {
        match socket.recv_from(&mut datagram) {
            Ok((length, from)) => {
                socket.send_to(&datagram[..length], from)?;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends `count` numbered datagrams, a few at a time, and counts the echoes.
pub fn send_datagrams(socket: &UdpSocket, count: u64, progress: &Progress) -> io::Result<Echoes> {
    socket.set_read_timeout(Some(ECHO_TIMEOUT))?;
    let mut echoes = Echoes::default();
    let mut outstanding = 0;
    let mut echo = [0; DATAGRAM_BYTES + 1];
    while (echoes.sent < count || outstanding > 0) && !progress.stop.is_asked() {
        if echoes.sent < count && outstanding < UDP_WINDOW {
            socket.send(&datagram(echoes.sent))?;
            echoes.sent += 1;
            outstanding += 1;
            continue;
        }
        match socket.recv(&mut echo) {
            Ok(length) => {
                let number = echo[..8].try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
                echoes.returned += u64::from(echo[..length] == datagram(number));
                outstanding -= 1;
                progress.udp_echoes.fetch_add(1, Ordering::Relaxed);
            }
            // What has not come back by now is lost.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => outstanding = 0,
            Err(error) => return Err(error),
        }
    }
    Ok(echoes)
}

/// The datagram with this number: the number, then bytes that depend on it.
fn datagram(number: u64) -> [u8; DATAGRAM_BYTES] {
    let mut bytes = [0; DATAGRAM_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    for (i, byte) in bytes.iter_mut().enumerate().skip(8) {
        *byte = (number as usize).wrapping_mul(31).wrapping_add(i) as u8;
    }
    bytes
}
