//! Fragments: which datagram one is of, and what became of that datagram's first fragment.
//!
//! ```text
//!  clock  0         4            5           6            7                10            11             15
//!  mark --hash--->|index, tag ->|row read ->|whose row? ->|entry of the -->|its ports -->|role ------->|outcome of the
//!  key's hash --->|             |fragment ->|writes it    | row's flow     | in the key  | of the      | datagram, in
//!                                                         | to the pick    |             | fragment    | the verdict
//! ```
//! [`Datagrams`] goes beside the flow table and costs no clock: it puts the entry of a later fragment's flow where a whole packet's slot would
//! be, and the flow's ports where a whole packet's own would be, so that the entry is read and its key compared as ever. [`Outcomes`] is in the
//! verdict stage. The clocks are those of the flow table; `docs/fragment.md` says why nothing gets between two fragments.

mod bindings;
mod datagrams;
mod outcomes;

pub use bindings::Bindings;
pub use datagrams::Datagrams;
pub use outcomes::Outcomes;
