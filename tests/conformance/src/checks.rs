//! The checks, in the order in which they build on each other.

mod frames;
mod memory;
mod registers;

use crate::Check;

/// Every check.
pub const CHECKS: &[Check] = &[
    Check { name: "the card is a flow engine and says so twice", run: registers::identity },
    Check { name: "registers hold what is written, unless they are read only", run: registers::read_back },
    Check { name: "a reset empties the registers", run: registers::reset },
    Check { name: "memory is mapped apart, and taken back once", run: memory::map_and_unmap },
    Check { name: "more commands than the ring holds are executed in order, by interrupt", run: frames::commands },
    Check { name: "frames of the host leave by their port, unchanged", run: frames::sends },
    Check { name: "what is not forwarded reaches the host by interrupt, with its reason", run: frames::punts },
    Check { name: "flows are forwarded, translated and in order", run: frames::forwards },
    Check { name: "counters of flows, ports and reasons are those of the frames", run: frames::counters },
    Check { name: "a record that lies across two pages is written whole, and nothing around it", run: memory::across_pages },
    Check { name: "memory that is not mapped any more is not touched, and the card goes on", run: memory::unmapped },
    Check { name: "a card reset under traffic is programmed again and forwards", run: frames::reset_under_traffic },
];
