//! The host side: each block against its contract, then all of it against a model of a host.

mod blocks;
mod commands;
mod crc32;
mod frames;
mod memory;
mod support;
mod world;
