//! One run: the daemon on a card that forwards live traffic, a fault, and what must be true after it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs;
use fpgaflow_card::{CosimTransport, Runner, Width};
use fpgaflow_driver::transport::Reach;
use fpgaflow_sync::config::{Config, Datapath};
use fpgaflow_sync::datapath::{CardStatus, FrameTotals};
use fpgaflow_tests::{Faulty, RouterLab, run_card, verilated};

use crate::echo::{Echo, PORT};

/// Answers that show that the stream is under way.
const UNDER_WAY: usize = 25;
/// Looks that find more frames forwarded than the last, until the card counts as forwarding.
const GROWTHS: u32 = 5;
/// Within this a fault must be noticed, where it is the card's absence.
pub const NOTICED_WITHIN: Duration = Duration::from_secs(1);

/// A configuration whose daemon does not wait long for commands.
pub fn config() -> Config {
    Config { datapath: Datapath { card_timeout_ms: 600, ..Datapath::default() }, ..Config::default() }
}

/// A router on a card in this process that can be broken, its stream of datagrams in the card.
pub struct Campaign {
    /// Router, neighbours and daemon.
    pub lab: RouterLab,
    /// The stream.
    pub echo: Echo,
    /// The card on its bus.
    pub faulty: Arc<Faulty>,
    /// The card itself.
    pub card: Arc<CosimTransport>,
    runner: Runner,
    /// Conntrack's name of the stream.
    conntrack_id: String,
}

/// When something was wrong, and what of it the daemon had counted before.
pub struct Before {
    at: Instant,
    frames: FrameTotals,
}

impl Before {
    /// When it was.
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl Campaign {
    /// Starts everything and waits until the card forwards the stream.
    pub fn new(config: Config) -> Self {
        let card = verilated(Width::Bits64);
        let faulty = Faulty::new(Arc::clone(&card));
        let (theirs, mut runner) = (Arc::clone(&faulty), None);
        let lab = RouterLab::new(config, |wires| {
            let card = Arc::clone(&card);
            runner = Some(wires.run(move || run_card(card)));
            let reach: Reach = Arc::new(move || theirs.reach());
            reach
        });
        let echo = Echo::start(&lab);
        lab.wait_until("the stream", || echo.answers() >= UNDER_WAY);
        lab.wait_for("the stream in the card", |snapshot| snapshot.in_card == 1 && snapshot.totals.card_packets > 0);
        let conntrack_id = conntrack_id(&lab);
        let campaign = Self { lab, echo, faulty, card, runner: runner.expect("the lab asks for its card"), conntrack_id };
        campaign.wait_until_the_card_forwards();
        campaign
    }

    /// The moment of the fault.
    pub fn before(&self) -> Before {
        Before { at: Instant::now(), frames: self.lab.handle.frames() }
    }

    /// Times that the card was reset since.
    pub fn recoveries(&self, before: &Before) -> u64 {
        self.lab.handle.frames().recoveries - before.frames.recoveries
    }

    /// Times that the card was gone since.
    pub fn absences(&self, before: &Before) -> u64 {
        self.lab.handle.frames().absences - before.frames.absences
    }

    /// Waits until the daemon notices that something is wrong; how long that took since the fault.
    pub fn wait_until_noticed(&self, before: &Before) -> Duration {
        self.lab.wait_until("the daemon to notice", || self.recoveries(before) + self.absences(before) > 0);
        before.at.elapsed()
    }

    /// Waits until the card is gone for the daemon; how long that took since the fault.
    pub fn wait_until_absent(&self, before: &Before) -> Duration {
        self.lab.wait_until("the card to be found gone", || self.lab.handle.card_status() == CardStatus::Absent);
        before.at.elapsed()
    }

    /// Frames that the card forwarded since its reset.
    fn forwarded(&self) -> u32 {
        self.card.card().read_register(regs::reason_counter(Reason::Forwarded)).expect("the RTL answers")
    }

    /// Waits until the card itself forwards, not the host.
    pub fn wait_until_the_card_forwards(&self) {
        let (last, grown) = (Cell::new(self.forwarded()), Cell::new(0));
        self.lab.wait_until("the card to forward", || {
            let now = self.forwarded();
            // A reset between two looks makes it less.
            grown.set(grown.get() + u32::from(now > last.replace(now)));
            grown.get() >= GROWTHS
        });
    }

    /// Waits until the card has the stream again, then ends everything; checks that nothing arrived wrong, no connection was lost, and
    /// prints how long it took. Returns the daemon's totals.
    pub fn recovers(self, fault: &str, before: &Before) -> FrameTotals {
        let Before { at, .. } = *before;
        self.lab.wait_until("the card to be back", || self.lab.handle.card_status() == CardStatus::Attached);
        let attached = at.elapsed();
        let back = Instant::now();
        self.lab.wait_until("the stream to go on", || self.echo.answered_since(back).is_some());
        self.wait_until_the_card_forwards();
        let forwards = at.elapsed();
        self.lab.wait_for("the stream's place in the card", |snapshot| snapshot.in_card == 1);
        println!(
            "{fault}: card told everything after {} ms, forwards after {} ms; longest silence {} ms",
            attached.as_millis(),
            forwards.as_millis(),
            self.echo.longest_silence(at).as_millis()
        );
        self.finish()
    }

    /// Ends everything; checks that nothing arrived wrong and that no connection was lost.
    pub fn finish(self) -> FrameTotals {
        let wrong = self.echo.stop();
        assert!(wrong.is_empty(), "{} datagrams arrived wrong, the first: {}", wrong.len(), wrong[0]);
        assert_eq!(conntrack_id(&self.lab), self.conntrack_id, "conntrack has another connection than before");
        assert_eq!(self.lab.invalid_packets(), 0, "the kernel found packets invalid");
        let summary = self.lab.stop();
        assert_eq!(summary.frames.commands_failed, 0, "the card refused commands");
        self.runner.stop().unwrap();
        summary.frames
    }
}

/// Conntrack's id of the stream: another one is another connection.
pub fn conntrack_id(lab: &RouterLab) -> String {
    let listed = lab.router.command(&format!("conntrack -L -o id -p udp --dport {PORT}")).unwrap();
    let mut ids = listed.split_whitespace().filter(|word| word.starts_with("id="));
    match (ids.next(), ids.next()) {
        (Some(id), None) => id.to_owned(),
        _ => panic!("not one connection but {listed}"),
    }
}
