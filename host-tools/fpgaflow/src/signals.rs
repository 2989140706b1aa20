//! Asked to end by SIGINT, SIGTERM or SIGHUP: said once to whoever can end cleanly.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Calls `ask_to_end` at the first signal, from a thread of its own. A second signal ends the process at once.
///
/// # Errors
/// What the system said to the handlers or the thread.
pub fn on_end(ask_to_end: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let (mut interrupt, mut terminate, mut hang_up) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    drop(guard);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let mut wait = async || {
                tokio::select! {
                    _ = interrupt.recv() => SignalKind::interrupt(),
                    _ = terminate.recv() => SignalKind::terminate(),
                    _ = hang_up.recv() => SignalKind::hangup(),
                }
            };
            wait().await;
            ask_to_end();
            let again = wait().await;
            // What a shell expects of a process that a signal ended.
            std::process::exit(128 + again.as_raw_value());
        });
    })?;
    Ok(())
}
