"""The malware hook: nothing of a message is forwarded before clamd has looked at its octets.

Leased dispatches enter; those that may be prepared leave, with what was found. Each message is looked
at once for the forwards that follow soon: whole, since clamd knows mail, and each file that may be
repeated, since clamd may read mail in another way than we do. Scans run beside what is on the wire.
clamd in trouble is an incident; forwards wait, longer each time, and never leave unseen. Without
TRIAGE_CLAMD nothing is looked at and no file is repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from triage.dispatch import clamd
from triage.dispatch.clamd import Finding, ScannerTroubleError, State
from triage.dispatch.forwards import files_to_repeat
from triage.dispatch.policy import SMALL
from triage.knowledge import Knowledge
from triage.reading import ParsedMessages
from triage.record import Store, StoreError
from triage.record.dispatches import DispatchRow
from triage.record.incidents import close_incident, open_incident
from triage.record.octets import read_octets
from triage.settings import Scanner
from triage.vocabulary import DispatchKind

log = logging.getLogger("triage.dispatch")

KIND, SUBJECT = "scanner", "clamd"
AT_ONCE = 4
"""Scans of small messages at one time: clamd's own threads are ten, and it may serve others."""
PAUSES = (5.0, 15.0, 60.0, 120.0, 300.0)
"""Seconds before a clamd in trouble is asked again."""
KEPT_FOR = 3600.0
"""Seconds for which a clean verdict holds; what is tried again later meets newer signatures."""
MOST_KEPT = 4096
MOST_TROUBLES = 3
"""A message in whose midst clamd broke off so often, while it is well, waits for a person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a message's octets. ``wait``: nothing yet, ask again after so long."""

    finding: Finding | None
    clean_files: frozenset[str] = frozenset()
    """Digests of the files that may be repeated."""
    wait: timedelta = timedelta(0)


class NoScanning:
    """Where there is no scanner: the original may go, no file is repeated."""

    tasks: Mapping[asyncio.Task[Verdict | ScannerTroubleError], DispatchRow] = MappingProxyType({})

    def ready(self, rows: Sequence[DispatchRow]) -> list[DispatchRow]:
        """All of them."""
        return list(rows)

    def take(self, rows: Sequence[DispatchRow]) -> dict[str, Verdict]:
        """That nothing speaks against them."""
        return {row.sha256 or "": Verdict(Finding(State.CLEAN)) for row in rows}

    async def close(self) -> None:
        """Nothing is open."""


class Scanning:
    """Scans for one dispatch stage, in its event loop and its thread."""

    def __init__(self, store: Store, knowledge: Knowledge, parsed: ParsedMessages, scanner: Scanner) -> None:
        self._store = store
        self._knowledge = knowledge
        self._parsed = parsed
        self._scanner = scanner
        self.tasks: dict[asyncio.Task[Verdict | ScannerTroubleError], DispatchRow] = {}
        """What is being looked at."""
        self._verdicts: OrderedDict[str, tuple[Verdict, float]] = OrderedDict()
        self._troubles: Counter[str] = Counter()
        self._failures = 0
        self._small, self._large = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(1)
        self.paused_until = 0.0
        self._incident = True
        """Whether an incident may be open: an earlier process may have left one."""

    def ready(self, rows: Sequence[DispatchRow]) -> list[DispatchRow]:
        """Those that can be prepared now; scans of the others are begun, as far as there is room."""
        self._collect()
        chosen = []
        for row in rows:
            if row.kind != DispatchKind.FORWARD or self._known(row.sha256 or "") or self._rests:
                chosen.append(row)
            elif self._may_begin(row):
                self.tasks[asyncio.ensure_future(self._look_in_turn(row))] = row
        return chosen

    def take(self, rows: Sequence[DispatchRow]) -> dict[str, Verdict]:
        """What is known of the octets of these dispatches, by SHA-256. Only a clean verdict is kept."""
        found: dict[str, Verdict] = {}
        for row in rows:
            sha256 = row.sha256 or ""
            verdict = self._known(sha256)
            found[sha256] = verdict or Verdict(None, wait=timedelta(seconds=max(self._rest_left, 1.0)))
        for sha256, verdict in found.items():
            if verdict.finding is not None and verdict.finding.state is not State.CLEAN:
                # A person who sends it again has had the scanner mended, or its signatures.
                self._verdicts.pop(sha256, None)
        return found

    def _may_begin(self, row: DispatchRow) -> bool:
        """After trouble one message goes first, alone; the same octets are looked at once."""
        looked_at = self.tasks.values()
        return not (looked_at and self._failures) and all(row.sha256 != other.sha256 for other in looked_at)

    async def close(self) -> None:
        """End what is being looked at."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def _rest_left(self) -> float:
        return self.paused_until - time.monotonic()

    @property
    def _rests(self) -> bool:
        return self._rest_left > 0

    def _known(self, sha256: str) -> Verdict | None:
        verdict, until = self._verdicts.get(sha256, (None, 0.0))
        return verdict if time.monotonic() < until else None

    async def _look_in_turn(self, row: DispatchRow) -> Verdict | ScannerTroubleError:
        """What is in memory at once is bounded: so many small messages, and one large one."""
        async with self._large if row.size > SMALL else self._small:
            return await self._look(row.sha256 or "")

    async def _look(self, sha256: str) -> Verdict | ScannerTroubleError:
        try:
            pieces = self._pieces(sha256)
            if not pieces:
                return Verdict(Finding(State.REFUSED, "absent"))
            for piece in pieces:
                finding = await clamd.scan(self._scanner, piece)
                if finding.state is not State.CLEAN:
                    return Verdict(finding)
            return Verdict(Finding(State.CLEAN), frozenset(hashlib.sha256(piece).hexdigest() for piece in pieces[1:]))
        except ScannerTroubleError as trouble:
            # Is it this message that clamd does not get through, or clamd itself? It may have died of it.
            trouble.during = trouble.during and (trouble.kind == "broken" or await clamd.is_well(self._scanner))
            return trouble

    def _pieces(self, sha256: str) -> list[bytes]:
        """The octets, and of the files inside those that may be repeated."""
        rules = self._knowledge.in_force().rules
        with self._store.read("octets to scan") as tx:
            octets = read_octets(tx, [sha256]).get(sha256)
        if octets is None:
            return []  # what became of them is said when it is prepared
        files = files_to_repeat(self._parsed.parse(sha256, octets), octets, rules.forwards)
        return [octets, *(file.octets for file in files)]

    def _collect(self) -> None:
        for task in [task for task in self.tasks if task.done()]:
            sha256 = self.tasks.pop(task).sha256 or ""
            try:
                result = task.result()
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - one message must not keep the others from leaving
                log.error("not scanned", extra={"action": "not_scanned", "kind": type(error).__name__})
                result = Verdict(Finding(State.REFUSED, type(error).__name__))
            if isinstance(result, Verdict):
                self._remember(sha256, result)
                self._recovered()
            else:
                self._failed(sha256, result)

    def _failed(self, sha256: str, trouble: ScannerTroubleError) -> None:
        if trouble.during:
            self._troubles[sha256] += 1
            if self._troubles[sha256] >= MOST_TROUBLES:
                del self._troubles[sha256]
                self._remember(sha256, Verdict(Finding(State.REFUSED, trouble.kind)))
                return
        if self._rests:
            return
        self._failures += 1
        pause = PAUSES[min(self._failures, len(PAUSES)) - 1]
        self.paused_until = time.monotonic() + pause
        words = (
            f"clamd does not look at mail ({trouble.kind}). Check that it runs, and TRIAGE_CLAMD. "
            "Nothing is lost: forwards wait."
        )
        log.warning(words, extra={"action": "scanner_trouble", "kind": trouble.kind, "pause": pause})
        try:
            with self._store.write("scanner trouble") as tx:
                open_incident(tx, KIND, SUBJECT, words)
            self._incident = True
        except StoreError as error:
            log.error("record trouble", extra={"action": "record_trouble", "kind": error.kind})

    def _recovered(self) -> None:
        self._failures = 0
        if self._incident:
            with self._store.write("scanner recovered") as tx:
                close_incident(tx, KIND, SUBJECT)
            self._incident = False

    def _remember(self, sha256: str, verdict: Verdict) -> None:
        self._troubles.pop(sha256, None)
        self._verdicts[sha256] = (verdict, time.monotonic() + KEPT_FOR)
        while len(self._verdicts) > MOST_KEPT:
            self._verdicts.popitem(last=False)
