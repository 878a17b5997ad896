"""The worker: one thread for each mailbox that it reads, for deciding, dispatching, telling staff, and a scheduler.

The scheduler wakes the loops, and does what belongs to none of them (following files, erasing, watching) in threads of
its own, a job never twice at once. On SIGTERM every loop ends after what it has begun, and what was claimed is given
back.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

from triage.bootstrap import DECIDE_LOOP, DISPATCH_LOOP, NOTICE_LOOP, Service
from triage.calling import Call, Hearing
from triage.jumps import apart, wake_after_a_jump
from triage.keeping import purge_when_due
from triage.knowledge import NothingInForceError
from triage.metrics.process import Measures
from triage.metrics.serving import MetricsServer, serve_metrics
from triage.once import tell_endings
from triage.quiet import watch_silence
from triage.readers import Readers
from triage.record import StoreError
from triage.record.acts_watch import mind_the_acts
from triage.record.clock_back import mind_the_clock
from triage.record.heartbeats import forget_beats, note_beats
from triage.record.incidents import close_incident, open_incident
from triage.record.workers import leave
from triage.signals import Wakeup
from triage.supervisor import READY, STOPPING, WATCHDOG, Supervisor

log = logging.getLogger("triage.worker")

LOOK = 5.0
"""Seconds after which a stage looks by itself, without a wake-up."""
GROUP = 1.0
"""Seconds in which accepted forwards gather before readers file them: one MOVE for many."""
SILENT = 900.0
"""Seconds without a sign of life after which a loop counts as hung and the process ends itself.

What hangs cannot be ended in any other way; the supervisor starts the worker anew, and the message
that was being read comes back alone (``decider``)."""
SILENT_AT_THE_END = 300.0
"""The same while the worker is to end: longer than network waits but the one for the answer to DATA, shorter than
patience."""
LISTEN_LOOP = "listen"
NOTED_EVERY = 60.0
"""Seconds between two notes in the record that the loops are well."""
TELLING = 10.0
"""Seconds that a hung worker takes to tell of it: the record may be what hangs."""
HUNG = 70
"""Exit code of a worker that ended itself."""


class Worker:
    """Runs a service until it is told to stop."""

    def __init__(
        self,
        service: Service,
        leave: Callable[[int], object] = os._exit,
        beside: Callable[[], object] = lambda: None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """``beside`` ends what else stands on the service's record, such as the staff page, before that is closed."""
        self._supervisor = supervisor or Supervisor()
        self._service = service
        self._exit = leave
        self._beside = beside
        self._stopping = threading.Event()
        self._rescore_wake = Wakeup()
        self._readers = Readers(service)
        self._threads: list[threading.Thread] = []
        self._measures = Measures()
        self._metrics: MetricsServer | None = None

    # ---------------------------------------------------------------- for good

    def run(self) -> None:
        """Work until SIGTERM or SIGINT (or :meth:`stop`)."""
        service = self._service
        self._listen_to_signals()
        self._close_old_incidents()
        share_wake = service.caller.wakes[Call.MAILBOXES]
        self._threads = [
            threading.Thread(target=self._loop, args=(DECIDE_LOOP, service.decider.work, service.decide_wake)),
            threading.Thread(target=self._loop, args=(DISPATCH_LOOP, self._dispatch, service.dispatch_wake)),
            # With a thread of its own: a queue that hangs must not keep its own alarm (failure F32).
            threading.Thread(target=self._loop, args=(NOTICE_LOOP, service.notices.work, service.notice_wake)),
            threading.Thread(target=self._pass_on, args=(service.file_wake,)),
            threading.Thread(target=self._loop, args=("rescore", service.rescorer.work, self._rescore_wake)),
            threading.Thread(target=self._loop, args=("mailboxes", self._readers.share, share_wake, self._until_look)),
        ]
        if service.settings.database.listen_url:
            self._threads.append(threading.Thread(target=self._hear))
        for thread in self._threads:
            thread.start()
        self._note_endings()
        port = service.settings.metrics_port
        self._metrics = serve_metrics(service.store, service.heartbeats, self._measures, port)
        scheduler = self._schedule()
        self._note_beats()
        self._supervisor.tell(READY)
        log.info("worker started", extra={"action": "worker_started", "worker": service.settings.worker_name})
        clock = apart()
        while not self._stopping.wait(1.0):
            clock = wake_after_a_jump(scheduler, clock)
        self._supervisor.tell(STOPPING)
        scheduler.shutdown(wait=False)
        self._end()

    def stop(self) -> None:
        """Ask every loop to end; returns at once."""
        self._stopping.set()
        service = self._service
        for wake in (*service.caller.wakes.values(), service.notice_wake, self._rescore_wake):
            wake.set()
        self._readers.stop()

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle)

    def _end(self) -> None:
        with suppress(StoreError):
            self._readers.leave()
        self.stop()
        for thread in (*self._readers.threads(), *self._threads):
            while thread.is_alive():
                thread.join(1.0)
                if silent := self._service.heartbeats.silent(SILENT_AT_THE_END):
                    self._leave(silent)
                    return
        self._service.dispatcher.close()
        self._service.notices.close()
        if self._metrics is not None:
            self._metrics.close()
        self._beside()
        with suppress(StoreError), self._service.store.write("worker ended") as tx:
            forget_beats(tx, self._place)
            leave(tx, self._service.settings.worker_name)
        self._service.caller(Call.MAILBOXES)
        self._service.store.close()
        log.info("worker stopped", extra={"action": "worker_stopped"})

    def _loop(
        self, name: str, work: Callable[[], int], wake: Wakeup, pause: Callable[[], float] = lambda: LOOK
    ) -> None:
        while not self._stopping.is_set():
            self._service.heartbeats.beat(name)
            failed, family, began = True, "", time.monotonic()
            try:
                done, failed = work(), False
                self._measures.round(name, time.monotonic() - began, done)
            except StoreError as error:
                words = f"{error}. Nothing is lost: what is due waits. Check the disk or the database."
                log.error(words, extra={"action": "record_trouble", "loop": name, "kind": error.kind})
                done, family = 0, "record"
            except NothingInForceError as error:
                log.error(str(error), extra={"action": "nothing_in_force", "loop": name})
                done, family = 0, "configuration"
            except Exception as error:  # noqa: BLE001 - a stage must come round again, whatever happened
                log.error("unforeseen", extra={"action": "unforeseen", "loop": name, "kind": type(error).__name__})
                done, family = 0, "unforeseen"
            if family:
                self._measures.error(name, family)
            self._service.heartbeats.judge(name, failed=failed)
            if not done:
                wake.wait(pause())
        self._service.heartbeats.end(name)

    def _dispatch(self) -> int:
        return self._service.dispatcher.work(self._stopping)

    def _until_look(self) -> float:
        return self._readers.pause

    def _hear(self) -> None:
        """What other processes call; without it everything is found by looking."""
        service = self._service
        url, beat = service.settings.database.listen_url, partial(service.heartbeats.beat, LISTEN_LOOP)
        Hearing(service.caller, url, self._stopping, beat).run()
        service.heartbeats.end(LISTEN_LOOP)

    def _pass_on(self, wake: Wakeup) -> None:
        """A forward was accepted somewhere: readers that have something to file are woken, many for one look."""
        while not self._stopping.is_set():
            if wake.wait(LOOK) and not self._stopping.wait(GROUP):
                wake.clear()
                with suppress(StoreError):  # each reader looks by itself as well
                    self._readers.wake()

    # ---------------------------------------------------------------- the schedule

    def _schedule(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        scheduler.add_job(self._follow_files, "interval", seconds=10)
        scheduler.add_job(self._service.dispatch_wake.set, "interval", seconds=15)
        scheduler.add_job(self._service.decide_wake.set, "interval", seconds=15)
        scheduler.add_job(self._watch_heartbeats, "interval", seconds=30)
        scheduler.add_job(self._note_beats, "interval", seconds=NOTED_EVERY)
        if self._supervisor.ping_every:
            scheduler.add_job(self._ping, "interval", seconds=self._supervisor.ping_every)
        scheduler.add_job(self._watch_silence, "interval", minutes=15)
        scheduler.add_job(self._note_endings, "interval", hours=1)
        scheduler.add_job(mind_the_clock, "interval", [self._service.store], minutes=1)
        # Asked every hour, and at once: a service that is not up at night looks as well.
        now = self._service.store.clock.now()
        scheduler.add_job(mind_the_acts, "interval", [self._service.store], hours=1, next_run_time=now)
        scheduler.add_job(self._purge, "interval", hours=1, next_run_time=now)
        # 03:00 UTC: no local time that a change of clocks skips or repeats.
        scheduler.add_job(self._reconcile, "cron", hour=3, minute=0)
        scheduler.start()
        return scheduler

    def _follow_files(self) -> None:
        for trouble in self._service.knowledge.import_files():
            log.error(trouble, extra={"action": "file_not_usable"})
        if self._readers.are_others(self._service.knowledge.in_force().rules.mailboxes):
            self._service.caller.wakes[Call.MAILBOXES].set()

    def _note_endings(self) -> None:
        """Secrets that end soon; what the record refuses now is noted the next time."""
        with suppress(StoreError):
            tell_endings(self._service)

    def _reconcile(self) -> None:
        self._readers.reconcile()

    def _note_beats(self) -> None:
        """For monitors, who see the record and not this process; what the record refuses now is noted the next time."""
        ages = self._service.heartbeats.ages()
        if not self._stopping.is_set():
            with suppress(StoreError), self._service.store.write("heartbeats") as tx:
                note_beats(tx, self._place, ages)

    def _watch_silence(self) -> None:
        """Mail that should have come; what cannot be judged now is judged the next time."""
        with suppress(StoreError, NothingInForceError):
            service = self._service
            watch_silence(service.store, service.knowledge.in_force().rules.service, service.settings.worker_name)

    def _purge(self) -> None:
        """What is kept no longer is erased, once a night."""
        with suppress(NothingInForceError):
            rules = self._service.knowledge.in_force().rules
            purge_when_due(self._service.store, rules.retention, self._stopping.is_set)

    def _ping(self) -> None:
        """systemd hears of us only as long as every loop goes round; a hung process is ended by it from outside."""
        if not self._service.heartbeats.silent(SILENT):
            self._supervisor.tell(WATCHDOG)

    def _watch_heartbeats(self) -> None:
        silent = self._service.heartbeats.silent(SILENT)
        if silent and not self._stopping.is_set():
            self._leave(silent)

    def _leave(self, silent: Sequence[str]) -> None:
        """End the process, whatever hangs: what would tell of it may hang, too, and is waited for only so long."""
        try:
            telling = threading.Thread(target=self._tell_hung, args=(silent,), daemon=True)
            telling.start()
            telling.join(TELLING)
        finally:
            self._exit(HUNG)

    def _tell_hung(self, silent: Sequence[str]) -> None:
        log.critical("a loop hangs, the worker ends itself", extra={"action": "hung", "loops": ",".join(silent)})
        # Whatever the record does, the process ends; the log has said it.
        with suppress(Exception), self._service.store.write("hung") as tx:
            open_incident(tx, "hung", self._place, ", ".join(silent))

    @property
    def _place(self) -> str:
        """This worker's name without the number of its process: the same after a restart."""
        return self._service.settings.worker_name.removesuffix(f"-{os.getpid()}")

    def _close_old_incidents(self) -> None:
        with self._service.store.write("started") as tx:
            close_incident(tx, "hung", self._place)
