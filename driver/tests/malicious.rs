//! A card that writes whatever it likes into its completions, each with the right CRC and sequence.

mod support;

use std::sync::Arc;
use std::time::Instant;

use fpgaflow_abi::descriptor::{Command, CompletionHead, CompletionKind, Status};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::reason::Reason;
use fpgaflow_driver::card::{Card, CardError, Events, Options, Sent};
use fpgaflow_driver::transport::Transport;
use rand::{Rng, RngExt};
use support::{Fault, GEOMETRY, ModelCard, generator, seed};

/// Completions of one run.
const ROUNDS: u32 = 4_000;
/// Frames of this length are in flight; their bytes are the round's.
const FRAME_BYTES: usize = 60;

/// Values around every limit of a counter or length, and some from anywhere.
fn word(rng: &mut impl Rng) -> u32 {
    let near = [0, 1, 2, 3, 4, 5, 60, 1535, 1536, 1537, 1 << 15, 1 << 16, 1 << 31, u32::MAX - 1, u32::MAX];
    match rng.random_range(0..3) {
        0 => rng.next_u32(),
        _ => near[rng.random_range(0..near.len())],
    }
}

/// Codes that exist, and such as do not.
fn code(rng: &mut impl Rng) -> u8 {
    if rng.random() { rng.random_range(0..4) } else { rng.random() }
}

/// `honest` three times of four, else one of `lies`.
fn mostly<R: Rng, T>(rng: &mut R, honest: T, lies: impl FnOnce(&mut R) -> T) -> T {
    if rng.random_range(0..4) < 3 { honest } else { lies(rng) }
}

#[test]
fn whatever_a_card_says_stays_inside_the_buffers() {
    let seed = seed();
    let mut rng = generator(seed);
    let model = ModelCard::new(GEOMETRY);
    let options = Options { command_bits: 3, to_host_bits: 2, to_card_bits: 2, ..Options::default() };
    let mut card = Card::open(Arc::clone(&model) as Arc<dyn Transport>, HashSecret([1, 2, 3, 4, 5, 6, 7]), options).unwrap();
    let (mut refused, mut believed) = (0, 0);
    let mut events = Events::default();
    for round in 0..ROUNDS {
        // Mostly what an honest card would say of the frame below, so that every check is met with all before it passed.
        let head = CompletionHead::new()
            .with_kind(mostly(&mut rng, CompletionKind::FrameToHost as u8, code))
            .with_status(mostly(&mut rng, Status::Ok as u8, code))
            .with_port(mostly(&mut rng, 1, code))
            .with_reason(mostly(&mut rng, Reason::Miss as u8, code))
            .with_cookie(mostly(&mut rng, 0, word));
        let (consumer, length) = (mostly(&mut rng, 1, word), mostly(&mut rng, FRAME_BYTES as u32, word));
        let flow = rng.next_u64();
        // Something of every ring is under way.
        model.state().hold = true;
        card.submit([Command::nop(), Command::nop()]).unwrap();
        assert_eq!(card.send_frame(0, &[round as u8; FRAME_BYTES]).unwrap(), Sent::Queued);
        model.state().faults.push_back(Fault::Everything { head: head.into_bits(), consumer, length, flow });
        assert!(model.punt(1, Reason::Miss, None, &[round as u8; FRAME_BYTES]));
        match card.poll(Instant::now(), &mut events) {
            Ok(()) => {
                believed += 1;
                for (info, frame) in events.frames.iter() {
                    assert!(info.port < GEOMETRY.ports && frame.len() <= 1536, "round {round}: {info:?}, {} bytes", frame.len());
                }
            }
            Err(CardError::Ring { .. }) => {
                refused += 1;
                assert_eq!(events.frames.iter().count(), 0, "round {round}: a frame of a completion that was refused");
            }
            Err(other) => panic!("round {round}: {other}"),
        }
        model.state().hold = false;
        card.recover([]).unwrap();
        card.poll(Instant::now(), &mut events).unwrap();
    }
    println!("{refused} completions were refused, {believed} cannot be told from honest ones");
    assert!(refused > ROUNDS / 4 && believed > ROUNDS / 20);
    // What it was allowed to write in, it was: the driver works as before.
    model.punt(1, Reason::Miss, None, &[9; FRAME_BYTES]);
    card.poll(Instant::now(), &mut events).unwrap();
    assert_eq!(events.frames.iter().next().unwrap().1, [9; FRAME_BYTES]);
}
