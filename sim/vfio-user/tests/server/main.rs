//! The server and its clients, good and bad. The card's RTL is real; nobody clocks it but who accesses its registers.

mod client;
mod function;
mod robustness;
