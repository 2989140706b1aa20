//! The card of the datapath while there is one, and the search for it while there is none.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_driver::card::{Card, CardError, Options};
use fpgaflow_driver::transport::Reach;

use super::stats::CardStatus;
use crate::error::Chain;

/// Between the first two attempts to open a card again; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A card that was there for this long is searched for from [`FIRST_PAUSE`] on again.
const STEADY: Duration = Duration::from_secs(10);

/// How a card is opened again.
#[derive(Clone)]
pub(super) struct Opening {
    pub reach: Reach,
    pub options: Options,
    /// What the card was: the tables are made for it.
    pub geometry: Geometry,
}

/// The way to the card.
pub(super) struct Link {
    state: State,
    opening: Opening,
    wake: Arc<OwnedFd>,
    pause: Duration,
}

enum State {
    /// It is there and told everything.
    Attached { card: Card, since: Instant },
    /// It is there, passes frames and looks none up.
    Resting { card: Card, until: Instant },
    /// It is not there. Without a search none could be started, and it is tried again.
    Absent { since: Instant, search: Option<Search> },
}

impl Link {
    /// A card that is there; `wake` is written to when it was gone and is found.
    pub fn new(card: Card, opening: Opening, wake: Arc<OwnedFd>) -> Self {
        Self { state: State::Attached { card, since: Instant::now() }, opening, wake, pause: FIRST_PAUSE }
    }

    /// How it is.
    pub fn status(&self) -> CardStatus {
        match self.state {
            State::Attached { .. } => CardStatus::Attached,
            State::Resting { .. } => CardStatus::Resting,
            State::Absent { .. } => CardStatus::Absent,
        }
    }

    /// The card, if it is there.
    pub fn card(&self) -> Option<&Card> {
        match &self.state {
            State::Attached { card, .. } | State::Resting { card, .. } => Some(card),
            State::Absent { .. } => None,
        }
    }

    /// As [`Link::card`].
    pub fn card_mut(&mut self) -> Option<&mut Card> {
        match &mut self.state {
            State::Attached { card, .. } | State::Resting { card, .. } => Some(card),
            State::Absent { .. } => None,
        }
    }

    /// The card, if it is to be given commands.
    pub fn commanded(&mut self) -> Option<&mut Card> {
        match &mut self.state {
            State::Attached { card, .. } => Some(card),
            State::Resting { .. } | State::Absent { .. } => None,
        }
    }

    /// What the card signals by.
    pub fn eventfds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.card().into_iter().flat_map(Card::eventfds)
    }

    /// Gives the card no more commands until `until`.
    pub fn rest(&mut self, until: Instant) {
        self.change(|state| match state {
            State::Attached { card, .. } | State::Resting { card, .. } => State::Resting { card, until },
            absent @ State::Absent { .. } => absent,
        });
    }

    /// Whether the card has rested for long enough.
    pub fn is_rested(&self, now: Instant) -> bool {
        matches!(self.state, State::Resting { until, .. } if now >= until)
    }

    /// The card that rested is given commands again.
    pub fn resume(&mut self, now: Instant) {
        self.change(|state| match state {
            State::Attached { card, .. } | State::Resting { card, .. } => State::Attached { card, since: now },
            absent @ State::Absent { .. } => absent,
        });
    }

    /// Lets the card go and searches for it. It is opened with `secret`.
    pub fn detach(&mut self, now: Instant, secret: HashSecret) {
        if matches!(self.state, State::Attached { since, .. } if now.saturating_duration_since(since) >= STEADY) {
            self.pause = FIRST_PAUSE;
        }
        let (first_pause, opening, wake) = (self.pause, self.opening.clone(), Arc::clone(&self.wake));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.change(|state| match state {
            State::Attached { card, .. } | State::Resting { card, .. } => {
                let search = Search::start(Some(card), opening, secret, first_pause, wake);
                State::Absent { since: now, search: told(search) }
            }
            absent @ State::Absent { .. } => absent,
        });
    }

    /// The card, opened again with tables that are empty, and how long it was gone. [`Link::attach`] it.
    pub fn found(&mut self, now: Instant, secret: HashSecret) -> Option<(Card, Duration)> {
        let State::Absent { since, search } = &mut self.state else { return None };
        let Some(running) = search else {
            *search = told(Search::start(None, self.opening.clone(), secret, self.pause, Arc::clone(&self.wake)));
            return None;
        };
        let card = running.found.try_recv().ok()?;
        Some((card, now.saturating_duration_since(*since)))
    }

    /// Takes a card over that was found.
    pub fn attach(&mut self, card: Card, now: Instant) {
        self.state = State::Attached { card, since: now };
    }

    /// The card at the end; a search ends first.
    pub fn into_card(self) -> Option<Card> {
        match self.state {
            State::Attached { card, .. } | State::Resting { card, .. } => Some(card),
            State::Absent { .. } => None,
        }
    }

    fn change(&mut self, change: impl FnOnce(State) -> State) {
        let nowhere = State::Absent { since: Instant::now(), search: None };
        self.state = change(std::mem::replace(&mut self.state, nowhere));
    }
}

/// A search that could not be started is told of.
fn told(search: io::Result<Search>) -> Option<Search> {
    search.inspect_err(|error| tracing::error!(%error, "cannot start the search for the card")).ok()
}

/// A thread that opens the card, again and again until it succeeds. Opening may take its time, and the datapath has other work.
struct Search {
    found: Receiver<Card>,
    /// Dropped to end it.
    cancel: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Search {
    /// Lets `old` go first, for a card is opened once at a time.
    fn start(old: Option<Card>, opening: Opening, secret: HashSecret, pause: Duration, wake: Arc<OwnedFd>) -> io::Result<Self> {
        let (send, found) = channel();
        let (cancel, cancelled) = channel();
        let thread = std::thread::Builder::new().name("card-search".into()).spawn(move || {
            drop(old);
            if let Some(card) = search(&opening, secret, pause, &cancelled)
                && send.send(card).is_ok()
            {
                // A full counter is a wake-up that is still to be seen.
                let _ = rustix::io::write(wake.as_fd(), &1u64.to_ne_bytes());
            }
        })?;
        Ok(Self { found, cancel: Some(cancel), thread: Some(thread) })
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        drop(self.cancel.take());
        if let Some(thread) = self.thread.take() {
            // A panic was printed by its thread, and there is nothing else to be had of it.
            let _ = thread.join();
        }
    }
}

/// `None` when it is cancelled.
fn search(opening: &Opening, secret: HashSecret, mut pause: Duration, cancelled: &Receiver<()>) -> Option<Card> {
    let mut told = String::new();
    loop {
        if cancelled.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return None;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        match open(opening, secret) {
            Ok(card) => return Some(card),
            Err(error) => {
                let why = Chain(&error).to_string();
                // Once for each new reason: it may take days.
                if why != told {
                    tracing::warn!(error = why, "the card is not back");
                    told = why;
                }
            }
        }
    }
}

fn open(opening: &Opening, secret: HashSecret) -> Result<Card, CardError> {
    let card = Card::open((opening.reach)()?, secret, opening.options)?;
    if *card.geometry() == opening.geometry {
        return Ok(card);
    }
    Err(CardError::GeometryChanged {
        card: card.name().to_owned(),
        before: Box::new(opening.geometry),
        after: Box::new(*card.geometry()),
    })
}
