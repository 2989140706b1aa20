//! The host side: each block against its contract, then all of it against a model of a host.

mod blocks;
mod commands;
mod crc32;
mod faults;
mod frames;
mod memory;
mod parts;
mod registers;
mod rings;
mod support;
mod world;
