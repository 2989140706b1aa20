//! Whose turn it is among three: the one behind the last goes first.
//!
//! ```text
//!  last, wants[0..3] -->[ Turn ]--> choice, found
//! ```
//! Combinational. `choice` is `last` when nobody wants.

use std::array;

use crate::prelude::*;

/// How many take turns.
pub const TURNS: usize = 3;

/// Round robin among three.
#[derive(LogicBlock)]
pub struct Turn {
    /// Who had the last turn: 0 to 2.
    pub last: Signal<In, Bits<2>>,
    /// Who wants one.
    pub wants: [Signal<In, Bit>; TURNS],
    /// Who gets one.
    pub choice: Signal<Out, Bits<2>>,
    /// Anybody wants one.
    pub found: Signal<Out, Bit>,
    zero: Constant<Bits<2>>,
    one: Constant<Bits<2>>,
    two: Constant<Bits<2>>,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            last: Signal::default(),
            wants: array::from_fn(|_| Signal::default()),
            choice: Signal::default(),
            found: Signal::default(),
            zero: Constant::new(0_u64.into()),
            one: Constant::new(1_u64.into()),
            two: Constant::new(2_u64.into()),
        }
    }
}

impl Logic for Turn {
    #[hdl_gen]
    fn update(&mut self) {
        self.found.next = self.wants[0].val() | self.wants[1].val() | self.wants[2].val();
        self.choice.next = self.last.val();
        if self.last.val() == self.zero.val() {
            if self.wants[1].val() {
                self.choice.next = self.one.val();
            } else if self.wants[2].val() {
                self.choice.next = self.two.val();
            }
        } else if self.last.val() == self.one.val() {
            if self.wants[2].val() {
                self.choice.next = self.two.val();
            } else if self.wants[0].val() {
                self.choice.next = self.zero.val();
            }
        } else if self.wants[0].val() {
            self.choice.next = self.zero.val();
        } else if self.wants[1].val() {
            self.choice.next = self.one.val();
        }
    }
}
