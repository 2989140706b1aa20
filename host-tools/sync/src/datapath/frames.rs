//! Frames: punted by the card, forwarded in software or given to the kernel; sent by the kernel, given to the card.

use fpgaflow_abi::counters::TICK_SHIFT;
use fpgaflow_driver::card::{CardError, Events, Sent};
use fpgaflow_driver::frame::Frame;
use fpgaflow_driver::software::Verdict;

use super::{Datapath, FrameTotals};

/// Frames of one TAP device in one turn.
const TAP_BATCH: usize = 64;

impl Datapath {
    /// Deals with the frames that a poll brought.
    pub(super) fn take_frames(&mut self, events: &mut Events) -> Result<(), CardError> {
        let Some(card) = self.link.card_mut().filter(|_| !events.frames.is_empty()) else { return Ok(()) };
        let mut totals = FrameTotals::default();
        let mut tick = 0;
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(events.frames.len());
        frames.extend(events.frames.iter_mut().map(|(info, frame)| {
            tick = (info.clock >> TICK_SHIFT) as u32;
            frame
        }));
        let mut verdicts = vec![Verdict::default(); frames.len()];
        self.flows.software().process_batch(&mut frames, tick, &mut verdicts);
        for (frame, verdict) in frames.iter().zip(&verdicts) {
            match verdict {
                Verdict::Forward { port, .. } => match card.queue_frame(*port, frame.bytes())? {
                    Sent::Queued => totals.software += 1,
                    Sent::RingFull => totals.ring_full += 1,
                },
                // Whatever the flowtable would drop, the card has judged worth a punt: the kernel decides.
                Verdict::Punt { .. } | Verdict::Drop { .. } => {
                    self.ledger.count(frame.port(), frame.bytes());
                    let tap = self.taps.get(usize::from(frame.port()));
                    match tap.is_some_and(|tap| tap.send(frame.bytes()).is_ok()) {
                        true => totals.to_kernel += 1,
                        false => totals.refused_by_kernel += 1,
                    }
                }
            }
        }
        self.stats.add(|all| {
            all.software += totals.software;
            all.to_kernel += totals.to_kernel;
            all.ring_full += totals.ring_full;
            all.refused_by_kernel += totals.refused_by_kernel;
        });
        Ok(())
    }

    /// Takes what the kernel sends, as far as the ring to the card has room; whether there was any. While the card is gone it goes
    /// nowhere: kept, it would come too late.
    pub(super) fn take_from_taps(&mut self) -> Result<bool, CardError> {
        let (mut taken, mut refused, mut nowhere) = (0, 0, 0);
        'ports: for port in 0..self.taps.len() as u8 {
            for _ in 0..TAP_BATCH {
                let (port, length) = match self.held.take() {
                    Some(held) => held,
                    None if self.lost_taps >> port & 1 == 1 => break,
                    None => match self.taps[usize::from(port)].receive(&mut self.buffer) {
                        Ok(Some(length)) => (port, length),
                        Ok(None) => break,
                        Err(error) => {
                            // What follows for its flows, the engine learns from its link's end.
                            tracing::error!(%error, tap = self.taps[usize::from(port)].name(), "cannot read a TAP device any more");
                            self.lost_taps |= 1 << port;
                            break;
                        }
                    },
                };
                let Some(card) = self.link.card_mut() else {
                    nowhere += 1;
                    continue;
                };
                match card.queue_frame(port, &self.buffer[..length]) {
                    Ok(Sent::Queued) => taken += 1,
                    Ok(Sent::RingFull) => {
                        self.held = Some((port, length));
                        break 'ports;
                    }
                    Err(CardError::FrameLength { .. }) => refused += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        let some = taken + refused + nowhere > 0;
        if some {
            self.stats.add(|all| {
                all.from_kernel += taken;
                all.refused_by_card += refused;
                all.card_absent += nowhere;
            });
        }
        Ok(some)
    }
}
