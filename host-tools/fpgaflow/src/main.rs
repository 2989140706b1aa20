//! The `fpgaflow` command: one module of [`commands`] for each subcommand.
//!
//! A command that fails says why in one line on standard error and exits with status 1.

mod commands;
mod replay;

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
