//! The primitives: rust-hdl's simulator against Verilator, clock by clock, and each against a model by another method.

mod cut_fifo;
mod delay;
mod fifo;
mod frame_fifo;
mod lockstep;
mod parity;
mod ram;
mod skid;
