//! Processes that end with the test, and what they say line by line, waited for with a limit.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

/// A process; killed when this is dropped, and told to end when this program dies.
pub struct Running {
    name: String,
    child: Child,
    lines: Lines,
}

impl Running {
    /// Starts `command`, whose standard output is listened to and copied to the file `log`.
    pub fn start_by_stdout(mut command: Command, log: &Path) -> Result<Self> {
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let stream = child.stdout.take().expect("it is piped");
        Self::new(&command, child, stream, log)
    }

    /// As [`Self::start_by_stdout`], by standard error.
    pub fn start_by_stderr(mut command: Command, log: &Path) -> Result<Self> {
        let mut child = spawn(command.stderr(Stdio::piped()))?;
        let stream = child.stderr.take().expect("it is piped");
        Self::new(&command, child, stream, log)
    }

    fn new(command: &Command, mut child: Child, stream: impl Read + Send + 'static, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        match Lines::of(stream, log) {
            Ok(lines) => Ok(Self { name, child, lines }),
            Err(error) => {
                child.kill().and_then(|()| child.wait()).with_context(|| format!("end {name}"))?;
                Err(error)
            }
        }
    }

    /// What it says.
    pub fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).with_context(|| format!("send {signal:?} to {}", self.name))
    }

    /// Waits until it has ended: it has said its last, and closed the stream.
    pub fn wait(&mut self, deadline: Instant) -> Result<ExitStatus> {
        self.lines.rest(deadline).with_context(|| format!("wait for the end of {}", self.name))?;
        self.child.wait().with_context(|| format!("wait for the end of {}", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    // SAFETY: one system call, which is async-signal-safe; nothing is allocated.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
    command.stdin(Stdio::null()).spawn().with_context(|| format!("run {command:?}"))
}

/// The lines of a stream, as they come.
pub struct Lines {
    coming: Receiver<std::io::Result<String>>,
}

impl Lines {
    /// Reads `stream` from a thread of its own, so that who writes never waits for who listens; each line goes to the file `log` too.
    fn of(stream: impl Read + Send + 'static, log: &Path) -> Result<Self> {
        let mut log = File::create(log).with_context(|| format!("make {}", log.display()))?;
        let (send, coming) = channel();
        let read = move || {
            for bytes in BufReader::new(stream).split(b'\n') {
                // A serial line may carry anything.
                let line = bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned());
                let line = line.and_then(|line| writeln!(log, "{line}").map(|()| line));
                // Nobody may listen any more; the stream is read to its end all the same.
                let _ = send.send(line);
            }
        };
        std::thread::Builder::new().name("lines".to_owned()).spawn(read).context("start a thread")?;
        Ok(Self { coming })
    }

    /// All lines up to the first that is `last`, that included. An error tells how far it came.
    pub fn until(&mut self, deadline: Instant, last: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            match self.next(deadline) {
                Ok(Some(line)) => {
                    lines.push(line);
                    if lines.last().is_some_and(|line| last(line)) {
                        return Ok(lines);
                    }
                }
                Ok(None) => bail!("it ended early; it had said:\n{}", lines.join("\n")),
                Err(error) => return Err(error.context(format!("it had said:\n{}", lines.join("\n")))),
            }
        }
    }

    /// Reads to the end.
    fn rest(&mut self, deadline: Instant) -> Result<()> {
        while self.next(deadline)?.is_some() {}
        Ok(())
    }

    fn next(&mut self, deadline: Instant) -> Result<Option<String>> {
        match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(Some(line?)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(anyhow!("it went on for too long")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A shell that runs `script`.
    fn shell(script: &str) -> (tempfile::TempDir, Running) {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let running = Running::start_by_stdout(command, &dir.path().join("log")).unwrap();
        (dir, running)
    }

    #[test]
    fn lines_are_waited_for_and_kept() {
        let (dir, mut running) = shell("printf 'one\\r\\n'; echo two; echo three; exit 3");
        assert_eq!(running.lines().until(Instant::now() + LONG, |line| line == "two").unwrap(), ["one", "two"]);
        assert_eq!(running.wait(Instant::now() + LONG).unwrap().code(), Some(3));
        assert_eq!(std::fs::read_to_string(dir.path().join("log")).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_process_that_ends_early_is_an_error_with_what_it_said() {
        let (_dir, mut running) = shell("echo panic");
        let error = running.lines().until(Instant::now() + LONG, |line| line == "end").unwrap_err();
        assert_eq!(error.to_string(), "it ended early; it had said:\npanic");
    }

    #[test]
    fn a_process_that_hangs_is_an_error_and_killed() {
        let (_dir, mut running) = shell("echo begun; exec sleep 1000");
        running.lines().until(Instant::now() + LONG, |line| line == "begun").unwrap();
        let error = running.wait(Instant::now() + Duration::from_millis(10)).unwrap_err();
        assert!(format!("{error:#}").contains("it went on for too long"), "{error:#}");
        let pid = Pid::from_child(&running.child);
        drop(running);
        assert!(kill_process(pid, Signal::TERM).is_err(), "it is gone");
    }
}
