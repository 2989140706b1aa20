//! What the library crates say as they work, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Environment variable that says what is logged, as `tracing`'s directives: `debug`, `fpgaflow_sync=trace`.
pub const VARIABLE: &str = "FPGAFLOW_LOG";

/// Starts logging, from `level` up unless [`VARIABLE`] says otherwise.
///
/// # Errors
/// A directive that is none, by name.
pub fn start(level: LevelFilter) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().with_default_directive(level.into()).with_env_var(VARIABLE);
    let filter = filter.from_env().map_err(|error| anyhow::anyhow!("{VARIABLE}: {error}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    Ok(())
}
