//! Least privilege: what a daemon keeps of the rights that it was started with, once everything that needs more is open.
//!
//! It keeps CAP_NET_ADMIN, for netlink and its TAP devices, and every system call but those in [`REFUSED`], which only somebody who
//! took it over would make. A card that is opened again later is opened by the rights of the process's user alone.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

/// What becomes of the rights that a daemon was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// They stay: the process does other things besides.
    Keep,
    /// [`drop_all_but_needed`], once everything is open.
    Drop,
}

/// System calls that a running daemon does not make: new programs, other processes' memory, mounts, namespaces, kernel code, time,
/// keys, and ways around the filter.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_open_by_handle_at,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
];

/// Drops all but what the module's documentation says: capabilities of this thread and of those that it will start, system calls of every
/// thread of the process. Memory for DMA may be locked without limit from then on.
///
/// # Errors
/// What the kernel refused; nothing is kept then that was dropped before.
pub fn drop_all_but_needed() -> io::Result<()> {
    // Locked memory is counted for whom lacks CAP_IPC_LOCK. Who may not raise the limit keeps the one that he has.
    let unlimited = Rlimit { current: None, maximum: None };
    if let Err(error) = setrlimit(Resource::Memlock, unlimited) {
        let limit = getrlimit(Resource::Memlock).current;
        tracing::debug!(%error, ?limit, "the limit of locked memory stays");
    }
    for capability in CapabilitySet::all().difference(CapabilitySet::NET_ADMIN).iter() {
        match remove_capability_from_bounding_set(capability) {
            // A kernel that does not know it has nothing to remove; who lacks CAP_SETPCAP has no others to gain, for no program is run.
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let kept = CapabilitySet::NET_ADMIN;
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() })?;
    set_no_new_privs(true)?;
    apply_filter_all_threads(&filter().map_err(io::Error::other)?).map_err(io::Error::other)
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    // A system call with no condition on its arguments.
    let rules: BTreeMap<i64, Vec<_>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?.try_into()
}
