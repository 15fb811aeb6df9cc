//! Turns of several writers, each a thread, of which exactly one moves at a time: before every call on the disk (but for reads, which
//! change nothing) the choices say who moves next.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Lock;
use crate::vault::crash::choices::Choices;

#[derive(Debug)]
pub(crate) struct Turns {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Debug)]
struct Table {
    writers: Vec<Doing>,
    /// Who moves; nobody until all writers are there.
    moving: Option<usize>,
    choices: Choices,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    NotThereYet,
    Ready,
    WaitingFor(Lock),
    Done,
}

impl Turns {
    /// Turns of so many writers, numbered from 0, in the order that `choices` gives.
    pub(crate) fn of(writers: usize, choices: Choices) -> Self {
        Self {
            table: Mutex::new(Table {
                writers: vec![Doing::NotThereYet; writers],
                moving: None,
                choices,
            }),
            changed: Condvar::new(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when it is this writer's turn.
    pub(crate) fn next_turn(&self, writer: usize) {
        self.pause(writer, Doing::Ready);
    }

    /// Returns when the lock was given back and it is this writer's turn.
    pub(crate) fn wait_for(&self, writer: usize, lock: Lock) {
        self.pause(writer, Doing::WaitingFor(lock));
    }

    pub(crate) fn is_free(&self, lock: Lock) {
        for writer in &mut self.table().writers {
            if *writer == Doing::WaitingFor(lock) {
                *writer = Doing::Ready;
            }
        }
    }

    /// This writer makes no more calls.
    pub(crate) fn is_done(&self, writer: usize) {
        let mut table = self.table();
        table.writers[writer] = Doing::Done;
        table.choose();
        self.changed.notify_all();
    }

    fn pause(&self, writer: usize, doing: Doing) {
        let mut table = self.table();
        table.writers[writer] = doing;
        table.choose();
        self.changed.notify_all();
        while table.moving != Some(writer) {
            table = self
                .changed
                .wait(table)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn into_choices(self) -> Choices {
        let table = self.table.into_inner();
        table.unwrap_or_else(PoisonError::into_inner).choices
    }
}

impl Table {
    fn choose(&mut self) {
        if self.writers.contains(&Doing::NotThereYet) {
            return;
        }
        let ready = |(writer, doing): (usize, &Doing)| (*doing == Doing::Ready).then_some(writer);
        let ready: Vec<usize> = self.writers.iter().enumerate().filter_map(ready).collect();
        self.moving = match ready.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => Some(several[self.choices.choose(several.len())]),
        };
    }
}
