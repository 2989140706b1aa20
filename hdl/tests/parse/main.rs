//! From a frame's head to its key and its reason, against a model that reads bytes as software does.

mod boundaries;
mod checksum;
mod frames;
mod layer2;
mod parser;
mod reference;
mod rig;
