//! Everything that the child gives up before it reads a document.
//!
//! Resource limits bound memory, processor time, the stack and files; a filter of system calls leaves reading standard input, writing
//! standard output and error, memory, and the end. Opening a file or a socket, starting a process or a thread, and asking the system
//! for anything else ends the process.

use std::collections::BTreeMap;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal, setrlimit,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

/// Bytes of stack.
const STACK: u64 = 8 * 1024 * 1024;
/// Seconds after which a process that catches the signal of its limit is killed.
const GRACE: u64 = 1;

/// Confines the calling process for good: `seconds` of processor time, `memory` bytes. None if any of it fails.
pub fn confine(seconds: u64, memory: u64) -> Option<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).ok()?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok()?;
    let limits = [
        (Resource::Core, 0, 0),
        (Resource::Nofile, 3, 3),
        (Resource::Fsize, 0, 0),
        (Resource::Stack, STACK, STACK),
        (Resource::As, memory, memory),
        (Resource::Cpu, seconds, seconds.saturating_add(GRACE)),
    ];
    for (resource, current, maximum) in limits {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) }).ok()?;
    }
    rustix::thread::set_no_new_privs(true).ok()?;
    apply_filter(&filter()?).ok()
}

fn filter() -> Option<BpfProgram> {
    let free = [
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = free.into_iter().map(|call| (call, Vec::new())).collect();
    let descriptor = |number| rule(0, SeccompCmpOp::Eq, number);
    rules.insert(libc::SYS_read, vec![descriptor(0)?]);
    rules.insert(libc::SYS_write, vec![descriptor(1)?, descriptor(2)?]);
    rules.insert(libc::SYS_writev, vec![descriptor(1)?, descriptor(2)?]);
    // Memory, but none to run; and none of a file.
    let runs = u64::try_from(libc::PROT_EXEC).ok()?;
    let no_descriptor =
        SeccompCondition::new(4, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(u32::MAX)).ok()?;
    let not_run = SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(runs), 0).ok()?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_run, no_descriptor]).ok()?]);
    rules.insert(libc::SYS_mprotect, vec![rule(2, SeccompCmpOp::MaskedEq(runs), 0)?]);
    let architecture = std::env::consts::ARCH.try_into().ok()?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture).ok()?;
    filter.try_into().ok()
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Option<SeccompRule> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).ok()?;
    SeccompRule::new(vec![condition]).ok()
}
