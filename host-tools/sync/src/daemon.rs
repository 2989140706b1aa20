//! The daemon: card, TAP devices, datapath and control loop, put together.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_driver::card::{Card, Options};
use fpgaflow_driver::transport::Reach;
use rustix::thread::CapabilitySet;
use tokio::sync::watch;

use crate::config::Config;
use crate::control::Control;
use crate::datapath::{CardReport, CardStatus, CardTarget, DatapathSettings, DatapathStats, FrameTotals, choose};
use crate::error::SyncError;
use crate::netlink::NetlinkError;
use crate::privileges::{Rights, drop_all_but_needed};
use crate::stats::{SharedStats, Snapshot};
use crate::tap::Tap;

/// The outside's end of a daemon: asks it to stop, looks at what it does. Clones are of the same daemon.
#[derive(Debug, Clone)]
pub struct Handle {
    shutdown: watch::Sender<bool>,
    ready: watch::Sender<bool>,
    stats: SharedStats,
    datapath: DatapathStats,
}

impl Default for Handle {
    fn default() -> Self {
        Self {
            shutdown: watch::Sender::new(false),
            ready: watch::Sender::new(false),
            stats: SharedStats::default(),
            datapath: DatapathStats::default(),
        }
    }
}

impl Handle {
    /// Asks the daemon to hand everything back to the kernel and end.
    pub fn shut_down(&self) {
        self.shutdown.send_replace(true);
    }

    /// Waits until the TAP devices are there and events are listened to; false when that takes longer than `limit` or the daemon ends
    /// before.
    pub fn wait_ready(&self, limit: Duration) -> bool {
        const LOOK_AGAIN: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + limit;
        while !*self.ready.borrow() {
            if *self.shutdown.borrow() || Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        true
    }

    /// The last snapshot, a second old at most.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.stats.latest()
    }

    /// Frames that passed the host so far.
    pub fn frames(&self) -> FrameTotals {
        self.datapath.frames()
    }

    /// What the card counts, a second old at most.
    pub fn card(&self) -> CardReport {
        self.datapath.card()
    }

    /// Whether the card is there.
    pub fn card_status(&self) -> CardStatus {
        self.datapath.status()
    }
}

/// What a daemon did, told at its end.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its last snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Frames that passed the host.
    pub frames: FrameTotals,
    /// The card's last counters.
    pub card: CardReport,
}

/// Runs a daemon until [`Handle::shut_down`]. Everything it opens is in the caller's network namespace, as are its threads. When it returns,
/// the card is shut down and the TAP devices are gone.
///
/// The card is opened by `reach`. One that is gone later ends nothing: conntrack is followed, flows stay known, and the card is told
/// everything as soon as `reach` opens it again. With [`Rights::Drop`] that happens with fewer rights than the first time.
///
/// # Errors
/// [`SyncError`], in one line with the remedy where there is one.
pub fn run(config: &Config, reach: &Reach, handle: &Handle, rights: Rights) -> Result<Summary, SyncError> {
    // Whoever waits for a daemon that does not come up must not wait for ever.
    let _ended = OnDrop(|| handle.shut_down());
    check_rights()?;
    let transport = reach().map_err(SyncError::Reach)?;
    let name = transport.name().to_owned();
    let card_error = |source: Box<dyn std::error::Error + Send + Sync>| SyncError::Card { card: name.clone(), source };
    let no_secret = |source| SyncError::Start { what: "the card's keyed hash without random numbers", source };
    let first_secret = draw_secret().map_err(no_secret)?;
    let options =
        Options { command_timeout: Duration::from_millis(config.datapath.card_timeout_ms.into()), ..Options::default() };
    let mut card = Card::open(transport, first_secret, options).map_err(|error| card_error(error.into()))?;
    let geometry = *card.geometry();
    if config.ports.len() > usize::from(geometry.ports) {
        return Err(SyncError::Ports { named: config.ports.len(), card: name, present: geometry.ports });
    }
    let secret = choose(draw_secret, geometry.bucket_bits.into()).map_err(no_secret)?;
    card.set_secret(secret).map_err(|error| card_error(error.into()))?;

    let names: Vec<String> = (0..geometry.ports).map(|port| config.port_name(port)).collect();
    let taps = names.iter().enumerate().map(|(port, name)| {
        let configured = config.ports.get(port);
        Tap::open(name, configured.and_then(|port| port.mac), configured.and_then(|port| port.mtu))
    });
    let taps = taps.collect::<Result<Vec<_>, _>>()?;
    let settings = DatapathSettings {
        busy_poll: Duration::from_micros(config.datapath.busy_poll_us.into()),
        tail_drop: config.datapath.tail_drop,
        drain: Duration::from_secs(config.timeouts.drain_s.into()),
        rest: Duration::from_secs(config.datapath.card_rest_s.into()),
        options,
    };
    let on_end = {
        let shutdown = handle.shutdown.clone();
        move || {
            shutdown.send_replace(true);
        }
    };
    if rights == Rights::Drop {
        // Before there is a thread: capabilities are each thread's own.
        drop_all_but_needed().map_err(|source| SyncError::Start { what: "with fewer rights", source })?;
    }
    let target = CardTarget::start(card, Arc::clone(reach), secret, taps, settings, handle.datapath.clone(), draw_secret, on_end)
        .map_err(card_error)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| SyncError::Start { what: "the async runtime", source })?;
    let (target, outcome) = runtime.block_on(async {
        let mut control = Control::open(config.engine(), config.control(), &names, target).map_err(rights_or_netlink)?;
        tracing::info!(card = name, ports = ?names, "ready");
        handle.ready.send_replace(true);
        let outcome = control.run(&mut handle.shutdown.subscribe(), &handle.stats).await;
        Ok::<_, SyncError>((control.into_target(), outcome))
    })?;
    let stopped = target.stop();
    outcome.map_err(rights_or_netlink)?;
    stopped.map_err(|error| card_error(error.into()))?;
    Ok(Summary { snapshot: handle.snapshot(), frames: handle.frames(), card: handle.card() })
}

/// Refuses early what would fail half-way.
///
/// # Errors
/// [`SyncError::Rights`].
pub fn check_rights() -> Result<(), SyncError> {
    // A kernel that does not tell is asked by doing.
    let missing = rustix::thread::capabilities(None).is_ok_and(|sets| !sets.effective.contains(CapabilitySet::NET_ADMIN));
    match missing {
        true => Err(SyncError::Rights { operation: "following conntrack and making TAP devices".into() }),
        false => Ok(()),
    }
}

fn rights_or_netlink(error: NetlinkError) -> SyncError {
    match error.errno() {
        Some(libc::EPERM | libc::EACCES) => SyncError::Rights { operation: "following conntrack and routes".into() },
        _ => SyncError::Netlink(error),
    }
}

fn draw_secret() -> io::Result<HashSecret> {
    let mut bytes = [0; 8 * SECRET_WORDS];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    let mut words = [0; SECRET_WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Ok(HashSecret(words))
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
