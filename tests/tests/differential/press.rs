//! Presses a card: random frames through RTL and golden model while tables change.

use std::collections::HashMap;

use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_card::{Timing, Width};
use fpgaflow_driver::placement::MOVES_COUNTED;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{Churn, ChurnCounts, Damage, Feeder, PortSetup, Report, Rig, Setup, secret};
use fpgaflow_traffic::{FRAMES_VARIABLE, Frames, Kind, Mix, SEED_VARIABLE, Scenario, Shape, Sizes, Variety, rng, seed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Frames that all settings of a width together get, unless [`FRAMES_VARIABLE`] says how many.
const FRAMES: u64 = 500_000;
/// Clocks between two changes of what goes in.
const STEP_CLOCKS: u64 = 64;
/// Steps without a frame after which the card counts as hung.
const HANG_STEPS: u64 = 20_000;
/// Of how many frames the MAC marks one bad.
const DAMAGE_EVERY: u64 = 97;

/// How many flows a scenario has.
#[derive(Clone, Copy)]
pub enum Flows {
    Number(usize),
    /// As many as this share of the card's slots.
    PercentOfSlots(usize),
}

/// One way to press the card.
pub struct Setting {
    /// Share of all frames, of 100.
    pub share_percent: u64,
    pub timing: Timing,
    pub sizes: Sizes,
    /// What packets there are.
    pub variety: fn() -> Variety,
    /// Flows of the scenario, and how many of them, of 100, are installed.
    pub flows: Flows,
    pub fill_percent: u32,
    /// A change of the tables every so many steps; 0 for none.
    pub churn_every: u64,
    /// A row of the tables goes bad every so many steps; 0 for none.
    pub damage_every: u64,
    /// A frame of the host every so many steps.
    pub send_every: u64,
    pub losses: Losses,
    pub port: PortSetup,
    /// Fragments are forwarded, and there are datagrams in fragments by one port. Tables change while the card is empty then: what becomes of a
    /// fragment that meets a change hangs on those before it.
    pub fragments: bool,
}

const NO_LOSS: Losses = Losses { host_full: false, tx_full: false };
pub const HOST_MAY_LOSE: Losses = Losses { host_full: true, tx_full: false };

/// All families, protocols and encapsulations in small frames.
pub const VARIED: Setting = Setting {
    share_percent: 0,
    timing: Timing { bus_latency: 0, bus_stall_percent: 0, rx_stall_percent: 0, tx_stall_percent: 0 },
    sizes: Sizes::Small,
    variety: Variety::everything,
    flows: Flows::Number(300),
    fill_percent: 85,
    churn_every: 4,
    damage_every: 0,
    send_every: 16,
    losses: NO_LOSS,
    port: PortSetup { promiscuous: false, tail_drop: false },
    fragments: false,
};

/// Longer than any run.
const FRAGMENT_LIFETIME: u16 = u16::MAX;
/// Port that datagrams in fragments come in by.
const FRAGMENT_PORT: u8 = 0;

/// What a run did besides its frames.
pub struct Outcome {
    pub report: Report,
    pub churn: ChurnCounts,
    /// Flows of the scenario.
    pub flows: u64,
    /// Slots that moved.
    pub moves: u64,
    /// Rows that were mended, by table.
    pub mended: HashMap<&'static str, u64>,
}

pub fn frames_of(setting: &Setting) -> u64 {
    let all = match std::env::var(FRAMES_VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{FRAMES_VARIABLE}={text} is not a number")),
        Err(_) => FRAMES,
    };
    all * setting.share_percent / 100
}

/// IPv6 alone, as deep in tags and PPPoE as it can be: headers end far behind a beat's border at either width.
pub fn deep() -> Variety {
    let deepest = Shape::ALL.into_iter().filter(|shape| shape.pppoe && shape.tags[1].is_some());
    let deepest: Vec<_> = deepest.map(|shape| (shape, 1)).collect();
    let everything = Shape::ALL.map(|shape| (shape, 1));
    Variety::new(&[(Family::V6, 1)], &[(PROTO_TCP, 2), (PROTO_UDP, 2), (PROTO_GRE, 1)], &deepest, &everything)
}

/// Flows of either family, of every protocol and out of every encapsulation were forwarded.
pub fn assert_varied(report: &Report) {
    if report.summary.injected < 20_000 {
        return;
    }
    let keys = || report.summary.flows.keys().map(|(_, key)| key);
    for family in [Family::V4, Family::V6] {
        for protocol in [PROTO_TCP, PROTO_UDP, PROTO_GRE] {
            assert!(keys().any(|key| key.family() == family && key.protocol == protocol), "protocol {protocol} of {family:?}");
        }
    }
    for shape in Shape::ALL {
        assert!(keys().any(|key| Shape::of(&key.encap) == shape), "nothing was forwarded out of {shape:?}");
    }
}

/// Says which run it was that failed: tests beside it write between its lines.
struct Replay<'a> {
    width: Width,
    name: &'a str,
    seed: u64,
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { width, name, seed } = self;
            eprintln!("{} bits, {name}: differs; {SEED_VARIABLE}={seed} replays it", width.geometry().width_bits);
        }
    }
}

pub fn press(width: Width, name: &str, setting: &Setting) -> Outcome {
    let seed = seed();
    let _replay = Replay { width, name, seed };
    let mut rng = rng(seed);
    let frames = frames_of(setting);
    let mut rig = Rig::new(
        Setup {
            width,
            timing: setting.timing,
            losses: setting.losses,
            port: setting.port,
            fragments: setting.fragments.then_some(FRAGMENT_LIFETIME),
            ..Setup::new(seed)
        },
        secret(&mut rng),
    );
    let flows = match setting.flows {
        Flows::Number(flows) => flows,
        Flows::PercentOfSlots(percent) => rig.geometry().slots() as usize * percent / 100,
    };
    let scenario = Scenario::draw(&mut rng, rig.geometry(), flows, &(setting.variety)());
    let mut child = || ChaCha8Rng::seed_from_u64(rng.random());
    let mut churn = Churn::new(child(), &scenario, setting.fill_percent);
    churn.fill(&mut rig);
    let calm = !setting.losses.host_full;
    let frames_in = if setting.fragments {
        // Single ones would come in by every port.
        Frames::new(child(), &scenario, Mix::everything().without(Kind::Fragment), setting.sizes).with_datagrams(FRAGMENT_PORT)
    } else {
        Frames::new(child(), &scenario, Mix::everything(), setting.sizes)
    };
    let mut feeder = Feeder::new(frames_in, DAMAGE_EVERY, calm);
    let mut from_host = Frames::new(child(), &scenario, Mix::hits(), setting.sizes);
    let mut rekey_rng = child();
    let mut damage = Damage::new(child());

    let mut rekeyed = false;
    let (mut step, mut progress) = (0, (0, 0));
    while feeder.fed() < frames {
        step += 1;
        feeder.feed(&mut rig, frames);
        if feeder.fed() > progress.0 {
            progress = (feeder.fed(), step);
        }
        assert!(
            step - progress.1 < HANG_STEPS,
            "no frame went in for {HANG_STEPS} steps; {} are in the card",
            rig.board.waiting()
        );
        if setting.churn_every != 0 && step % setting.churn_every == 0 {
            if setting.fragments {
                rig.rest();
            }
            churn.step(&mut rig);
            if setting.fragments {
                rig.await_commands();
                // Datagrams that are never complete would have all rows in the end, for none grows old here.
                rig.forget_datagrams();
            }
        }
        if setting.damage_every != 0 && step % setting.damage_every == 0 {
            damage.step(&mut rig, scenario.next_hops.len());
        }
        if step % setting.send_every == 0 {
            let frame = from_host.draw();
            rig.send(frame.port, &frame.bytes);
        }
        if setting.churn_every != 0 && !rekeyed && feeder.fed() > frames / 2 {
            rekeyed = true;
            if setting.fragments {
                rig.rest();
            }
            rig.rekey(secret(&mut rekey_rng));
        }
        rig.run(STEP_CLOCKS);
    }
    if setting.damage_every != 0 {
        damage.mend_all(&mut rig);
    }
    let stats = *rig.table.placement().stats();
    let moves = (0..MOVES_COUNTED as u64).zip(stats.moves).map(|(moves, times)| moves * times).sum();
    let churn = churn.counts;
    let report = rig.finish();
    println!(
        "{} bits, {name}: seed {seed}, {} frames in {} clocks, {} forwarded ({} fragments), {} to the host, {} lost there; {churn:?}, {moves} slots moved, {} stashed, {} rows damaged and {:?} mended",
        width.geometry().width_bits,
        report.summary.injected,
        report.clocks,
        report.summary.forwarded(),
        report.summary.fragments_forwarded,
        report.punts,
        report.count(Reason::HostFull),
        stats.stashed,
        damage.flips,
        damage.mended,
    );
    assert!(report.summary.injected >= frames, "every frame was fed");
    if frames > 1000 {
        assert!(report.summary.forwarded() > frames / 10, "too little was forwarded to say anything");
        assert!(report.punts > frames / 100, "too little was punted to say anything");
    }
    Outcome { report, churn, flows: flows as u64, moves, mended: damage.mended }
}
