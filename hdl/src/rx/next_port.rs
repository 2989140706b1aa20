//! Which port's frame is gathered next.
//!
//! ```text
//!                          +----------+
//!  ended, here, stay ----->| NextPort |--> chosen
//!  change ---------------->|          |
//!                          +----------+
//! ```
//! Latency 1 clock from `change` to the choice. `chosen` comes from flip-flops.
//!
//! # Contract
//! - With `change`, the next of the other ports that has a frame which has ended is chosen, in rising order behind the one chosen now; so such a
//!   frame waits for at most one frame of every other port. When no other port has one, the port stays chosen if `stay` is high; if not, the
//!   next one that has any beat is chosen, or else it stays.
//! - One port is chosen at any time.

use std::array;

use crate::prelude::*;

/// Chooses among `PORTS`.
#[derive(LogicBlock)]
pub struct NextPort<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// The port has a frame that has ended.
    pub ended: [Signal<In, Bit>; PORTS],
    /// The port has a beat.
    pub here: [Signal<In, Bit>; PORTS],
    /// The port chosen now has more to send.
    pub stay: Signal<In, Bit>,
    /// Choose.
    pub change: Signal<In, Bit>,
    /// The choice.
    pub chosen: [Signal<Out, Bit>; PORTS],
    /// Its opposite, from other flip-flops: for what is wide.
    pub hidden: [Signal<Out, Bit>; PORTS],

    pick: [Signal<Local, Bit>; PORTS],
    asks: [Signal<Local, Bit>; PORTS],
    any: Signal<Local, Bit>,
    found: Signal<Local, Bit>,
    passed: Signal<Local, Bit>,
    is_chosen: [DFF<Bit>; PORTS],
    is_hidden: [DFF<Bit>; PORTS],
    // Ports behind the one chosen: they come first.
    behind: [DFF<Bit>; PORTS],
    first: [Constant<Bit>; PORTS],
    few: Constant<Bit>,
}

impl<const PORTS: usize> Default for NextPort<PORTS> {
    fn default() -> Self {
        assert!((1..=fpgaflow_abi::MAX_PORTS).contains(&PORTS), "NextPort: no engine has {PORTS} ports");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            ended: array::from_fn(|_| Signal::default()),
            here: array::from_fn(|_| Signal::default()),
            stay: Signal::default(),
            change: Signal::default(),
            chosen: array::from_fn(|_| Signal::default()),
            hidden: array::from_fn(|_| Signal::default()),
            pick: array::from_fn(|_| Signal::default()),
            asks: array::from_fn(|_| Signal::default()),
            any: Signal::default(),
            found: Signal::default(),
            passed: Signal::default(),
            is_chosen: array::from_fn(|_| DFF::default()),
            is_hidden: array::from_fn(|_| DFF::default()),
            behind: array::from_fn(|_| DFF::default()),
            first: array::from_fn(|port| Constant::new(port == 0)),
            few: Constant::new(PORTS <= 2),
        }
    }
}

impl<const PORTS: usize> Logic for NextPort<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..PORTS {
            self.is_chosen[i].clock.next = self.clock.val();
            self.is_chosen[i].d.next = self.is_chosen[i].q.val();
            self.behind[i].clock.next = self.clock.val();
            self.behind[i].d.next = self.behind[i].q.val();
            self.is_hidden[i].clock.next = self.clock.val();
            self.is_hidden[i].d.next = self.is_hidden[i].q.val();
            self.chosen[i].next = self.is_chosen[i].q.val();
            self.hidden[i].next = self.is_hidden[i].q.val();
        }

        // Who may be chosen: ports with a frame that has ended, or else those with a beat.
        self.any.next = false;
        for i in 0..PORTS {
            self.asks[i].next = self.ended[i].val() & !self.is_chosen[i].q.val();
            self.any.next = self.any.val() | self.asks[i].val();
        }
        if !self.any.val() {
            for i in 0..PORTS {
                self.asks[i].next = self.here[i].val() & !self.is_chosen[i].q.val() & !self.stay.val();
            }
        }

        // The lowest of them behind the one chosen, else the lowest, else the one chosen.
        self.found.next = false;
        for i in 0..PORTS {
            self.pick[i].next = self.asks[i].val() & self.behind[i].q.val() & !self.found.val();
            self.found.next = self.found.val() | self.pick[i].val();
        }
        for i in 0..PORTS {
            if self.asks[i].val() & !self.found.val() {
                self.pick[i].next = true;
                self.found.next = true;
            }
        }
        // Of two there is only one other.
        if self.few.val() {
            for i in 0..PORTS {
                self.pick[i].next = self.asks[i].val();
            }
        }
        self.passed.next = false;
        if self.change.val() & self.found.val() {
            for i in 0..PORTS {
                self.is_chosen[i].d.next = self.pick[i].val();
                self.is_hidden[i].d.next = !self.pick[i].val();
                self.behind[i].d.next = self.passed.val();
                self.passed.next = self.passed.val() | self.pick[i].val();
            }
        }

        if self.reset.val() {
            for i in 0..PORTS {
                self.is_chosen[i].d.next = self.first[i].val();
                self.is_hidden[i].d.next = !self.first[i].val();
                self.behind[i].d.next = !self.first[i].val();
            }
        }
    }
}
