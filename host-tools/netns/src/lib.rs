//! Network namespaces that live as long as the program that made them.
//!
//! A namespace has no name in the file system: a thread sits in it and runs what it is given. When the program ends, however it
//! ends, the kernel takes namespace, interfaces and rules away, so nothing is ever left behind.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

/// Why a namespace could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused a new namespace.
    #[error("make network namespace {name}: needs CAP_SYS_ADMIN and CAP_NET_ADMIN, run as root")]
    Create {
        /// What it is called in messages.
        name: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A command could not be started.
    #[error("run `{command}` in network namespace {name}")]
    Start {
        /// Namespace.
        name: String,
        /// Program and arguments.
        command: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A command failed.
    #[error("`{command}` in network namespace {name}: {output}")]
    Failed {
        /// Namespace.
        name: String,
        /// Program and arguments.
        command: String,
        /// What it printed on standard error.
        output: String,
    },
}

type Job = Box<dyn FnOnce() + Send>;

/// One network namespace, with its loopback interface up.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    fd: OwnedFd,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Makes a namespace; `name` is for messages only.
    ///
    /// # Errors
    /// [`Error::Create`] without the rights for it.
    pub fn new(name: &str) -> Result<Self, Error> {
        let failed = |source| Error::Create { name: name.to_owned(), source };
        let (jobs, inbox) = channel::<Job>();
        let (ready, is_ready) = channel();
        let thread = std::thread::Builder::new()
            .name(format!("netns-{name}"))
            .spawn(move || {
                let entered = unshare();
                let usable = entered.is_ok();
                // Nobody waits for the answer only when `new` itself has gone, and with it this namespace.
                let _ = ready.send(entered);
                if usable {
                    inbox.into_iter().for_each(|job| job());
                }
            })
            .map_err(failed)?;
        let fd = is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended"))).map_err(failed)?;
        let namespace = Self { name: name.to_owned(), fd, jobs: Some(jobs), thread: Some(thread) };
        namespace.command("ip link set lo up")?;
        Ok(namespace)
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `job` on the namespace's thread and waits for what it returns. Sockets opened and threads started in it are in the
    /// namespace.
    ///
    /// # Panics
    /// When `job` does.
    pub fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        let (answer, answered) = channel();
        let job = move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            // The receiver waits right below.
            let _ = answer.send(result);
        };
        let jobs = self.jobs.as_ref().expect("the inbox closes in drop only");
        jobs.send(Box::new(job)).expect("the thread runs until drop");
        match answered.recv().expect("every job answers") {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Starts a thread in the namespace.
    ///
    /// # Errors
    /// What the operating system said to a new thread.
    pub fn spawn<R: Send + 'static>(
        &self,
        thread_name: &str,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> io::Result<JoinHandle<R>> {
        let builder = std::thread::Builder::new().name(thread_name.to_owned());
        // A thread inherits the namespace of the one that starts it.
        self.run(move || builder.spawn(body))
    }

    /// Runs a command in the namespace and returns what it printed. Words are split at blanks.
    ///
    /// # Errors
    /// [`Error::Start`] or [`Error::Failed`].
    pub fn command(&self, command: &str) -> Result<String, Error> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        self.command_with_input(&words, None)
    }

    /// As [`Namespace::command`], with `input` on its standard input, for rule sets.
    ///
    /// # Errors
    /// As [`Namespace::command`].
    pub fn pipe(&self, command: &str, input: &str) -> Result<String, Error> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        self.command_with_input(&words, Some(input.to_owned()))
    }

    fn command_with_input(&self, words: &[String], input: Option<String>) -> Result<String, Error> {
        let shown = words.join(" ");
        let words = words.to_vec();
        let output = self.run(move || run_command(&words, input));
        let output = output.map_err(|source| Error::Start { name: self.name.clone(), command: shown.clone(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Err(Error::Failed { name: self.name.clone(), command: shown, output: said })
    }

    /// Joins two namespaces by a pair of virtual Ethernet interfaces that are up and hand over whole frames: no checksum or
    /// segmentation is left to a device.
    ///
    /// # Errors
    /// As [`Namespace::command`].
    pub fn connect(&self, interface: &str, peer: &Self, peer_interface: &str) -> Result<(), Error> {
        // `ip` can only be told another namespace by a process in it: the peer's thread.
        let peer_thread = peer.run(|| rustix::thread::gettid().as_raw_nonzero());
        self.command(&format!("ip link add {interface} type veth peer name {peer_interface} netns {peer_thread}"))?;
        for (namespace, interface) in [(self, interface), (peer, peer_interface)] {
            namespace.command(&format!("ethtool -K {interface} tx off rx off tso off gso off gro off"))?;
            namespace.command(&format!("ip link set {interface} up"))?;
        }
        Ok(())
    }

    /// Sets a sysctl of the namespace, by its path below `/proc/sys/net`.
    ///
    /// # Errors
    /// [`Error::Start`] names the file.
    pub fn sysctl(&self, path: &str, value: &str) -> Result<(), Error> {
        let file = format!("/proc/sys/net/{path}");
        let (written, contents) = (file.clone(), value.to_owned());
        self.run(move || std::fs::write(written, contents)).map_err(|source| Error::Start {
            name: self.name.clone(),
            command: format!("write {value} to {file}"),
            source,
        })
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic was already handed to the caller of `run`.
            let _ = thread.join();
        }
    }
}

/// Moves the calling thread into the namespace behind `fd`.
///
/// # Errors
/// What the kernel said.
pub fn enter(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::thread::move_into_link_name_space(fd, Some(LinkNameSpaceType::Network))?)
}

/// Moves the calling thread into a namespace of its own and returns it.
fn unshare() -> io::Result<OwnedFd> {
    // SAFETY: only the network namespace changes; no descriptor table or address space is unshared.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
    Ok(rustix::fs::open("/proc/thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn run_command(words: &[String], input: Option<String>) -> io::Result<std::process::Output> {
    use std::io::Write as _;
    use std::process::Stdio;
    let [program, arguments @ ..] = words else { return Err(io::Error::other("empty command")) };
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    // Administrators' programs are not on every user's path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let mut child = command.spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.as_bytes())?;
    }
    child.wait_with_output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_namespaces_reach_each_other_over_their_pair() {
        let (a, b) = (Namespace::new("a").unwrap(), Namespace::new("b").unwrap());
        a.connect("va", &b, "vb").unwrap();
        a.command("ip addr add 192.0.2.1/24 dev va").unwrap();
        b.command("ip addr add 192.0.2.2/24 dev vb").unwrap();
        let server = b.run(|| std::net::UdpSocket::bind("192.0.2.2:7000")).unwrap();
        a.run(|| std::net::UdpSocket::bind("192.0.2.1:0")?.send_to(b"hello", "192.0.2.2:7000")).unwrap();
        server.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let mut buffer = [0; 16];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from.ip().to_string().as_str()), (&b"hello"[..], "192.0.2.1"));
    }

    #[test]
    fn a_failing_command_says_where_and_what() {
        let namespace = Namespace::new("here").unwrap();
        let error = namespace.command("ip link set nothing up").unwrap_err().to_string();
        assert!(error.starts_with("`ip link set nothing up` in network namespace here: "), "{error}");
    }
}
