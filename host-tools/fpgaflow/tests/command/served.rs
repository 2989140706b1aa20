//! `fpgaflow sim serve` as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A server that is ready; killed when dropped.
pub struct Served {
    child: Child,
    log: BufReader<ChildStderr>,
    pub socket: PathBuf,
}

impl Served {
    /// Starts a server in the caller's network namespace, its socket in `dir`, and waits until it is ready.
    pub fn start(dir: &Path, arguments: &[&str]) -> Self {
        let socket = dir.join("card.sock");
        let mut child = Command::new(env!("CARGO_BIN_EXE_fpgaflow"))
            .args(["sim", "serve", "--socket"])
            .arg(&socket)
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command can be started");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut served = Self { child, log, socket };
        served.await_line("ready");
        served
    }

    /// Its card's name.
    pub fn card(&self) -> String {
        format!("vfio-user:{}", self.socket.display())
    }

    /// Reads the log up to a line with `what`, and returns that.
    pub fn await_line(&mut self, what: &str) -> String {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "the server ended before it said: {what}");
        }
        line
    }

    /// Sends a signal, and waits for the end; what it said meanwhile.
    pub fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let said = self.await_line("ended");
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
