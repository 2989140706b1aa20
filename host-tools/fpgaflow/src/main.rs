//! The `fpgaflow` command: one module of [`commands`] for each subcommand.
//!
//! A command that fails says why in one line on standard error and exits with status 1.

mod bench;
mod commands;
#[cfg(feature = "sim")]
mod demo;
mod host;
#[cfg(feature = "sim")]
mod live_card;
mod logging;
mod replay;
mod secret;
mod signals;
#[cfg(feature = "sim")]
mod stepped_card;
mod width;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fpgaflow: {error:#}");
            ExitCode::FAILURE
        }
    }
}
