//! The parser and its checks, against a model that reads bytes as software does.

mod checksum;
mod frames;
mod parser;
mod reference;
