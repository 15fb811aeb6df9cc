//! What the process does for its secrets before it reads any: no core dump, no debugger, no swapping; and an allocator that
//! wipes memory when it is freed, because libraries leave copies that nobody else wipes.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static WIPING: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// What hardening achieved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hardened {
    /// Memory is kept out of swap.
    pub(crate) memory_locked: bool,
    /// The process leaves no core dump and cannot be attached to.
    pub(crate) no_core_dump: bool,
}

/// Hardens this process as far as the system lets it.
pub(crate) fn harden() -> Hardened {
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let no_core_dump = setrlimit(Resource::Core, no_core).is_ok()
        && set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    Hardened {
        memory_locked: lock_memory(),
        no_core_dump,
    }
}

/// Locks current and future memory. Under a limit that stays small this would make later allocations fail, so it is left out there.
fn lock_memory() -> bool {
    const ENOUGH: u64 = 1 << 30;
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    let allowed = setrlimit(Resource::Memlock, unlimited).is_ok()
        || getrlimit(Resource::Memlock)
            .current
            .is_none_or(|bytes| bytes >= ENOUGH);
    allowed && mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).is_ok()
}
