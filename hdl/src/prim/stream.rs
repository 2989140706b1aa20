//! Valid/ready streams, and the convention for pulses.
//!
//! # Contract of a stream
//! - A word moves in every clock in which `valid` and `ready` are both high.
//! - Once `valid` is high, `valid` stays high and `data` stays the same until the word has moved.
//! - `valid` never waits for `ready`; `ready` may wait for `valid`.
//!
//! A block names what enters it `s_axis` (or `s_axis_<what>`) and what leaves it `m_axis`, so the ports of the emitted
//! Verilog read `s_axis_data`, `s_axis_valid`, `s_axis_ready`.
//!
//! # Pulses
//! Where the receiver can never refuse, there is no `ready`: plain signals `<what>_valid` and `<what>` (for example
//! `lookup_valid`, `lookup`), valid in every clock in which `<what>_valid` is high and ignored otherwise. The inside of the
//! pipeline is made of these; credits at its entrance keep its exit from overflowing.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use crate::prelude::*;

/// The receiving side of a stream: what a block calls `s_axis`.
#[derive(LogicInterface, Clone, Debug, Default)]
#[join = "StreamSource"]
pub struct StreamSink<T: Synth> {
    /// The word, meaningful while `valid` is high.
    pub data: Signal<In, T>,
    /// The sender has a word.
    pub valid: Signal<In, Bit>,
    /// The receiver takes the word in this clock.
    pub ready: Signal<Out, Bit>,
}

/// The sending side of a stream: what a block calls `m_axis`.
#[derive(LogicInterface, Clone, Debug, Default)]
#[join = "StreamSink"]
pub struct StreamSource<T: Synth> {
    /// The word, meaningful while `valid` is high.
    pub data: Signal<Out, T>,
    /// The sender has a word.
    pub valid: Signal<Out, Bit>,
    /// The receiver takes the word in this clock.
    pub ready: Signal<In, Bit>,
}
