//! The middle of the pipeline: flow table, verdict and counters, each block by itself and all together.

mod checksum;
mod counters;
mod dump;
mod flow_table;
mod fragment_blocks;
mod fragments;
mod hash;
mod host;
mod middle_block;
mod parity;
mod records;
mod ring_delay;
mod table_blocks;
mod verdict;
mod whole;
