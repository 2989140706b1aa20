//! The fault campaign: a card breaks in every way that can be thought of while the daemon forwards live traffic by it. Whatever happens,
//! nothing is forwarded wrongly and no connection is lost; each test prints how long recovery took. Needs root and Verilator.

mod bus;
mod campaign;
mod churn;
mod completions;
mod echo;
mod host;
mod rows;
mod server;
