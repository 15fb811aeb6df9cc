//! Spreads the spans of vaults over threads and gives the results back in the vaults' order.
//!
//! One thread scans and packs spans into batches; workers take batches as they are free; the caller's thread collects. Both queues
//! are short, so that neither a slow record nor a slow disk lets memory grow.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use archiver_core::vault::chain::{Chain, Standing};
use archiver_core::vault::gap::GapHash;
use archiver_core::vault::read::RecordFacts;
use archiver_core::vault::scan::{Scanner, Span, SpanKind};

use super::OpenError;
use super::retired::Passed;
use super::source::VaultSource;

/// A batch is full with so many spans, or so many bytes.
const SPANS: usize = 64;
const BYTES: u64 = 1024 * 1024;

/// One span to work on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) source: &'a VaultSource,
    /// Which of the vaults, from 0.
    pub(super) vault: usize,
    pub(super) span: Span,
    /// The record's number in this run, from 1; whole and torn records are counted.
    pub(super) record: Option<u64>,
}

type Batch<'a> = Vec<Job<'a>>;
type Done<'a, T> = Result<Vec<(Job<'a>, T)>, OpenError>;

/// A batch, and where its results go.
struct Order<'a, T> {
    batch: Batch<'a>,
    done: SyncSender<Done<'a, T>>,
}

/// Works on every span of every vault on `threads` threads; `collect` gets the results in order, on this thread.
///
/// # Errors
/// The first error in the vaults' order; then the rest is not worked on.
pub(super) fn in_order<'a, T: Send>(
    sources: &'a [VaultSource],
    threads: NonZero<usize>,
    work: impl Fn(&Job<'a>) -> Result<T, OpenError> + Sync,
    mut collect: impl FnMut(&Job<'a>, T) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let stop = AtomicBool::new(false);
    let (order, orders) = sync_channel::<Order<'a, T>>(threads.get());
    let (promise, promises) = sync_channel::<Receiver<Done<'a, T>>>(4 * threads.get());
    let orders = Mutex::new(orders);
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            spawn(scope, || work_off(&orders, &stop, &work))?;
        }
        let dispatcher = Dispatcher {
            order,
            promise,
            stop: &stop,
        };
        spawn(scope, || dispatcher.scan_all(sources))?;
        let mut outcome = Ok(());
        for done in promises {
            // After an error the queues are only emptied, so that every thread comes to its end.
            match done.recv() {
                Ok(Ok(results)) if outcome.is_ok() => {
                    outcome = results
                        .into_iter()
                        .try_for_each(|(job, result)| collect(&job, result));
                }
                Ok(Err(e)) if outcome.is_ok() => outcome = Err(e),
                _ => {}
            }
            if outcome.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        outcome
    })
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: impl FnOnce() + Send + 'scope,
) -> Result<(), OpenError> {
    thread::Builder::new()
        .spawn_scoped(scope, run)
        .map(|_| ())
        .map_err(OpenError::Threads)
}

fn work_off<'a, T>(
    orders: &Mutex<Receiver<Order<'a, T>>>,
    stop: &AtomicBool,
    work: impl Fn(&Job<'a>) -> Result<T, OpenError>,
) {
    loop {
        let next = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Order { batch, done }) = next else {
            return;
        };
        if stop.load(Ordering::Relaxed) {
            continue;
        }
        let results: Done<'a, T> = batch
            .into_iter()
            .map(|job| work(&job).map(|result| (job, result)))
            .collect();
        if results.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        // Nobody waits any more only when the run has failed elsewhere.
        let _ = done.send(results);
    }
}

/// The scanning side.
struct Dispatcher<'a, 'run, T> {
    order: SyncSender<Order<'a, T>>,
    promise: SyncSender<Receiver<Done<'a, T>>>,
    stop: &'run AtomicBool,
}

/// Nobody wants more batches.
struct Stopped;

impl<'a, T> Dispatcher<'a, '_, T> {
    fn scan_all(self, sources: &'a [VaultSource]) {
        let mut records = 0;
        for (vault, source) in sources.iter().enumerate() {
            if self.scan(vault, source, &mut records).is_err() {
                return;
            }
        }
    }

    fn scan(
        &self,
        vault: usize,
        source: &'a VaultSource,
        records: &mut u64,
    ) -> Result<(), Stopped> {
        let (mut batch, mut bytes) = (Vec::with_capacity(SPANS), 0);
        for span in Scanner::new(source.whole()) {
            let span = match span {
                Ok(span) => span,
                Err(e) => {
                    self.dispatch(batch)?;
                    return self.fail(source.unreadable(e));
                }
            };
            let record = (span.kind != SpanKind::Stray).then(|| {
                *records += 1;
                *records
            });
            bytes += span.length;
            batch.push(Job {
                source,
                vault,
                span,
                record,
            });
            if batch.len() == SPANS || bytes >= BYTES {
                self.dispatch(std::mem::replace(&mut batch, Vec::with_capacity(SPANS)))?;
                bytes = 0;
            }
        }
        self.dispatch(batch)
    }

    fn dispatch(&self, batch: Batch<'a>) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        let (done, promise) = sync_channel(1);
        self.promise.send(promise).map_err(|_| Stopped)?;
        self.order.send(Order { batch, done }).map_err(|_| Stopped)
    }

    fn fail(&self, error: OpenError) -> Result<(), Stopped> {
        let (done, promise) = sync_channel(1);
        done.send(Err(error)).map_err(|_| Stopped)?;
        self.promise.send(promise).map_err(|_| Stopped)
    }
}

/// The logs of all vaults, followed as the results come in.
#[derive(Debug, Default)]
pub(super) struct Chains {
    vault: usize,
    chain: Chain,
    /// How many retired segments of the vault were passed.
    retired: usize,
}

impl Chains {
    fn begin(&mut self, vault: usize) {
        *self = Self {
            vault,
            ..Self::default()
        };
    }

    /// Passes the retired segments that stand before this span. To be called before [`Self::follow`]; `each` is told in which vault they are.
    pub(super) fn pass_retired_before(
        &mut self,
        job: &Job<'_>,
        sources: &[VaultSource],
        each: impl FnMut(usize, Passed),
    ) -> Result<(), OpenError> {
        self.pass_retired(job.vault, job.span.offset, sources, each)
    }

    /// Passes all retired segments that were not passed yet: there are no more spans.
    pub(super) fn pass_retired_at_the_end(
        &mut self,
        sources: &[VaultSource],
        each: impl FnMut(usize, Passed),
    ) -> Result<(), OpenError> {
        self.pass_retired(sources.len(), 0, sources, each)
    }

    fn pass_retired(
        &mut self,
        vault: usize,
        offset: u64,
        sources: &[VaultSource],
        mut each: impl FnMut(usize, Passed),
    ) -> Result<(), OpenError> {
        while let Some(source) = sources.get(self.vault) {
            let is_done = self.vault < vault;
            let next = source.retired().get(self.retired);
            if let Some(file) = next.filter(|file| is_done || file.at.start <= offset) {
                self.retired += 1;
                let passed = Passed::through(file, source, &mut self.chain);
                each(self.vault, passed.map_err(|e| source.unreadable(e))?);
            } else if is_done {
                self.begin(self.vault + 1);
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Judges the next record; `None` when the span is no whole record.
    pub(super) fn follow(
        &mut self,
        job: &Job<'_>,
        facts: Option<RecordFacts>,
    ) -> Result<Option<Standing>, OpenError> {
        if job.vault != self.vault {
            self.begin(job.vault);
        }
        let Some(facts) = facts.filter(|_| job.span.kind == SpanKind::Record) else {
            return Ok(None);
        };
        let hash_gap = |hash: &mut GapHash, range| {
            let update = |piece: &[u8]| hash.update(piece);
            job.source.for_each_piece(range, update)
        };
        self.chain
            .follow(&job.span, facts, hash_gap)
            .map(Some)
            .map_err(|e| job.source.unreadable(e))
    }
}
