"""The invariants of the fault matrix, checked against the record, the mailbox server and the SMTP spool.

Nothing is changed. What comes back names letters by UID and dispatches by number, never by words. What staff are told
has a module of its own (``tests.crash.notices``).
The seventh (a worker without its lease) is the business of the test with two workers.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from tests.crash.inbox import CANARIES, ON_CALL, End, Letter
from tests.crash.notices import Posted, check_notices, read_notices
from tests.dispatch.builders import attached_original
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_session import AcceptedMessage
from tests.servers.smtp_spool import read_spool
from triage.record import Store, Transaction
from triage.record.ledger import compute_ledger
from triage.record.octets import digest, read_octets
from triage.record.tables import attempts, audit, dispatches, incidents, messages
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, MessageState

FILING_ROOT = "Smistati"
MOST_AGAIN = 2

Row = sa.RowMapping


@dataclass(slots=True)
class Findings:
    """What a run left behind. ``violations`` says in words what must not be; the rest are counts."""

    lost: int = 0
    repeated_forwards: int = 0
    repeated_acknowledgements: int = 0
    repeated_notices: int = 0
    stuck: int = 0
    violations: list[str] = field(default_factory=list)

    def blame(self, text: str) -> None:
        """Note that an invariant does not hold."""
        self.violations.append(text)

    def lose(self, text: str) -> None:
        """Note a message that is not where it must be."""
        self.lost += 1
        self.blame(text)


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands in the record, on the mailbox server, in the sink's spool and with the webhook."""

    rows: tuple[Row, ...]
    sends: tuple[Row, ...]
    tries: Mapping[int, tuple[Row, ...]]
    stored: Mapping[str, bytes]
    folders: Mapping[str, Counter[str]]
    spool: tuple[AcceptedMessage, ...]
    notices: tuple[Row, ...]
    troubles: tuple[Row, ...]
    ends_written: Mapping[int, int]
    """How many ends of each notice the audit has."""
    posted: Posted
    now: datetime

    def of_kind(self, kind: DispatchKind) -> tuple[Row, ...]:
        return tuple(row for row in self.sends if row["kind"] == kind)


def check_invariants(
    store: Store,
    dovecot: Dovecot,
    spool: Path,
    *,
    user: str,
    letters: Mapping[int, Letter],
    said: Path,
    posted: Posted = (),
    copies_move: bool = True,
    refusals: bool = False,
    late: bool = False,
) -> Findings:
    """Everything that must hold once the service has nothing left to do.

    ``letters``: what was delivered, by UID. ``said``: the standard error of every worker. ``posted``: what a
    webhook got.
    ``copies_move`` False: the server has no MOVE, so a crash may leave a second copy in a folder.
    ``refusals``: an SMTP server may have refused for good, after which a person settles the message.
    ``late``: by the clock, hours or days have passed: mail may be so old that it is held or no longer
    acknowledged, what is held has the neutral acknowledgement of four hours, and staff have their digest.
    """
    found = Findings()
    with store.read("invariants") as tx:
        scene = look(tx, dovecot, spool, user, posted)
        check_record(tx, store, found)
        check_words(tx, said, found)
    _check_listing(scene, letters, found)
    _check_ends(scene, letters, found, refusals=refusals, late=late)
    check_stored(scene, found)
    _check_server(scene, letters, found, copies_move=copies_move)
    check_moves_of(scene, found)
    check_wire(scene, found)
    uids = {row["id"]: row["uid"] for row in scene.rows}
    check_answers(scene, lambda message: letters[uids[message]], found, late=late)
    _check_owed(scene, letters, found, refusals=refusals, late=late)
    return found


def check_moves(store: Store, dovecot: Dovecot, spool: Path, *, user: str) -> Findings:
    """The third invariant alone, which must hold at every moment: nothing moves before 250 and commit."""
    found = Findings()
    with store.read("invariants") as tx:
        scene = look(tx, dovecot, spool, user)
    check_moves_of(scene, found)
    return found


def look(tx: Transaction, dovecot: Dovecot, spool: Path, user: str, posted: Posted = ()) -> Scene:
    """Gather everything that the invariants speak of."""
    notices, troubles, ends_written = read_notices(tx)
    rows = tuple(tx.execute(sa.select(messages).order_by(messages.c.id)).mappings())
    tries: dict[int, list[Row]] = defaultdict(list)
    for row in tx.execute(sa.select(attempts).order_by(attempts.c.number)).mappings():
        tries[row["dispatch_id"]].append(row)
    return Scene(
        rows=rows,
        sends=tuple(tx.execute(sa.select(dispatches).order_by(dispatches.c.id)).mappings()),
        tries={key: tuple(value) for key, value in tries.items()},
        stored=read_octets(tx, [row["sha256"] for row in rows if row["sha256"]]),
        folders=_folders(dovecot, user),
        spool=read_spool(spool),
        notices=notices,
        troubles=troubles,
        ends_written=ends_written,
        posted=posted,
        now=tx.now,
    )


def _folders(dovecot: Dovecot, user: str) -> dict[str, Counter[str]]:
    """How many messages of which digest lie in which folder; looked at again if one was moved meanwhile."""
    while True:
        found: dict[str, Counter[str]] = {}
        moved = False
        with dovecot.client(user) as client:
            for _, _, name in client.list_folders():
                client.select_folder(name, readonly=True)
                uids = client.search()
                contents = [answer.get(b"BODY[]") for answer in client.fetch(uids, ["BODY.PEEK[]"]).values()]
                moved = moved or len(contents) < len(uids) or None in contents
                found[name] = Counter(digest(content) for content in contents if content is not None)
        if not moved:
            return found


# --------------------------------------------------------------------------- 1 and 8: the record


def check_record(tx: Transaction, store: Store, found: Findings) -> None:
    """The ledger closes, and the database's own check is content."""
    for difference in compute_ledger(tx).differences:
        found.blame(f"the ledger does not close: {difference}")
    if store.engine_name == "sqlite":
        verdict = tx.execute(sa.text("PRAGMA integrity_check")).scalar_one()
        if verdict != "ok" or tx.execute(sa.text("PRAGMA foreign_key_check")).first():
            found.blame("the database's own check fails")


def check_words(tx: Transaction, said: Path, found: Findings) -> None:
    """No canary in what was logged, nor in what is shown to people as trouble."""
    words = said.read_text("utf-8", "replace") if said.exists() else ""
    words += " ".join(str(detail) for detail in tx.execute(sa.select(incidents.c.detail)).scalars())
    words += " ".join(json.dumps(params) for params in tx.execute(sa.select(audit.c.params)).scalars())
    for canary in CANARIES:
        if canary in words:
            found.blame(f"the word {canary!r} stands in a log, an error or an audit row")
    if "Traceback" in words:
        found.blame("a worker ended with a traceback")


# --------------------------------------------------------------------------- 1 and 2: every message


def _check_listing(scene: Scene, letters: Mapping[int, Letter], found: Findings) -> None:
    known = Counter(row["uid"] for row in scene.rows)
    for uid, letter in letters.items():
        if not known[uid] and letter.end is not End.CONTESTED:
            found.lose(f"UID {uid} has no row")
        if known[uid] > 1:
            found.blame(f"UID {uid} has {known[uid]} rows")
    for uid in set(known) - set(letters):
        found.blame(f"a row for UID {uid}, which never was")


def _check_ends(scene: Scene, letters: Mapping[int, Letter], found: Findings, *, refusals: bool, late: bool) -> None:
    # Of two appearances of the same octets either may be the one that goes out.
    wanted: dict[str, Counter[End]] = defaultdict(Counter)
    got: dict[str, Counter[End | None]] = defaultdict(Counter)
    for uid, letter in letters.items():
        wanted[digest(letter.octets)][letter.end] += 1
        for row in scene.rows:
            if row["uid"] == uid:
                end = _end_of(scene, row, letter, found)
                if end is None and refusals and _was_refused(scene, row):
                    end = letter.end
                if end is not letter.end and late and row["state"] == MessageState.HELD:
                    end = letter.end
                got[digest(letter.octets)][end] += 1
        if letter.end is End.CONTESTED and not any(row["uid"] == uid for row in scene.rows):
            got[digest(letter.octets)][End.CONTESTED] += 1
    for key, ends in wanted.items():
        if ends != got[key]:
            uids = [uid for uid, letter in letters.items() if digest(letter.octets) == key]
            states = [f"{row['state']} {row['hold_reason']}".strip() for row in scene.rows if row["uid"] in uids]
            found.lose(f"UIDs {uids} ended as {states}")


def _end_of(scene: Scene, row: Row, letter: Letter, found: Findings) -> End | None:
    if letter.end is End.CONTESTED:
        ends = {MessageState.FILED, MessageState.VANISHED, MessageState.BASELINE}
        mine = row["state"] == MessageState.HELD and row["hold_reason"] == "spostato_da_un_collega"
        return End.CONTESTED if mine or row["state"] in ends else None
    if row["state"] == MessageState.BASELINE:
        return End.BASELINE
    if row["state"] == MessageState.HELD:
        # Held for what it is, not because we did not know how a forward ended.
        return End.HELD if row["hold_reason"] not in ("esito_ignoto", "inoltro_rifiutato") else None
    if row["state"] != MessageState.FILED:
        return None
    if letter.end is End.FILED_ON_PROOF:
        return End.FILED_ON_PROOF
    forwards = [send for send in scene.of_kind(DispatchKind.FORWARD) if send["message_id"] == row["id"]]
    if not any(send["state"] == DispatchState.ACCEPTED for send in forwards):
        found.blame(f"UID {row['uid']} is filed without an accepted forward")
    return End.FORWARDED


def _was_refused(scene: Scene, row: Row) -> bool:
    """Held for a person because a server refused its forward for good."""
    last = [
        scene.tries[send["id"]][-1]["outcome"] for send in _forwards_of(scene, row["id"]) if send["id"] in scene.tries
    ]
    held = row["state"] == MessageState.HELD and row["hold_reason"] == "inoltro_rifiutato"
    return held and AttemptOutcome.PERMANENT in last


def check_stored(scene: Scene, found: Findings) -> None:
    """The octets of every message that was received are there, and are what was hashed."""
    for row in scene.rows:
        if row["received_at"] is None:
            continue
        if row["sha256"] not in scene.stored or digest(scene.stored[row["sha256"]]) != row["sha256"]:
            found.lose(f"the octets of UID {row['uid']} are not what was stored")


def _check_server(scene: Scene, letters: Mapping[int, Letter], found: Findings, *, copies_move: bool) -> None:
    """Every letter still lies somewhere, once; what is held lies in the inbox, unless a colleague took it."""
    delivered = Counter(digest(letter.octets) for letter in letters.values())
    there: Counter[str] = sum(scene.folders.values(), Counter())
    for key, count in delivered.items():
        if there[key] < count:
            found.lose(f"a letter is no longer on the server (UIDs {_uids(letters, key)})")
        # Two sessions that move the same message in one instant may both succeed: Dovecot's MOVE copies first.
        raced = any(letter.end is End.CONTESTED and digest(letter.octets) == key for letter in letters.values())
        if there[key] > count and copies_move and not raced:
            found.blame(f"a letter lies on the server twice (UIDs {_uids(letters, key)})")
    for row in scene.rows:
        letter = letters.get(row["uid"])
        if letter is None or letter.end is not End.HELD or row["state"] != MessageState.HELD:
            continue
        if not scene.folders["INBOX"][digest(letter.octets)]:
            found.blame(f"UID {row['uid']} is held and has left the inbox")


def _uids(letters: Mapping[int, Letter], key: str) -> list[int]:
    return [uid for uid, letter in letters.items() if digest(letter.octets) == key]


# --------------------------------------------------------------------------- 3: moves


def check_moves_of(scene: Scene, found: Findings) -> None:
    """Nothing lies in a folder for filed mail before its forward's 250 and commit."""
    for name, folder in scene.folders.items():
        if not name.startswith(FILING_ROOT):
            continue
        for key in folder:
            rows = [row for row in scene.rows if row["sha256"] == key]
            if not any(_may_have_moved(scene, row) for row in rows):
                found.blame(f"moved before its forward's 250 and commit: UIDs {[row['uid'] for row in rows]}")


def _may_have_moved(scene: Scene, row: Row) -> bool:
    forwards = [send for send in scene.of_kind(DispatchKind.FORWARD) if send["message_id"] == row["id"]]
    if not forwards:  # filed on proof: the decision is committed
        return row["state"] == MessageState.FILED or (row["state"] == MessageState.DECIDED and bool(row["file_step"]))
    accepted = any(
        attempt["outcome"] == AttemptOutcome.ACCEPTED
        for send in forwards
        for attempt in scene.tries.get(send["id"], ())
    )
    return accepted and any(
        sent.forward_paths == (send["forward_path"],) and _message_id(sent) == send["rfc_message_id"]
        for sent in scene.spool
        for send in forwards
    )


# --------------------------------------------------------------------------- 4, 5 and 6: what left


def check_wire(scene: Scene, found: Findings) -> None:
    """What left is accounted for, carries what was received, and left as often as its attempts say."""
    mails: dict[str, list[AcceptedMessage]] = defaultdict(list)
    for sent in scene.spool:
        mails[_message_id(sent)].append(sent)
    check_notices(scene, mails, found)
    to_staff = {row["rfc_message_id"] for row in scene.notices}
    by_id = {send["rfc_message_id"]: send for send in scene.sends}
    rows = {row["id"]: row for row in scene.rows}
    for sent in scene.spool:
        send = by_id.get(_message_id(sent))
        if _message_id(sent) in to_staff:
            continue
        if send is None or sent.forward_paths != (send["forward_path"],):
            found.blame("something left that no dispatch accounts for")
        elif (
            send["kind"] == DispatchKind.FORWARD
            and digest(attached_original(sent.octets)) != (rows[send["message_id"]]["sha256"])
        ):
            found.blame(f"dispatch {send['id']} carries other octets than were received")
    for number, send in by_id.items():
        _check_times(scene, send, len(mails.get(number, ())), found)
    for kind in (DispatchKind.FORWARD, DispatchKind.NOTICE):
        each = Counter((rows[send["message_id"]]["sha256"], send["forward_path"]) for send in scene.of_kind(kind))
        for (key, _), count in each.items():
            if count > 1:
                found.blame(f"{count} {kind} dispatches for {[r['uid'] for r in scene.rows if r['sha256'] == key]}")


def _check_times(scene: Scene, send: Row, times: int, found: Findings) -> None:
    """How often one dispatch left, against what its attempts say."""
    outcomes = Counter(attempt["outcome"] for attempt in scene.tries.get(send["id"], ()))
    if outcomes[None]:
        found.blame(f"dispatch {send['id']} has an attempt without an outcome")
    if outcomes[AttemptOutcome.UNKNOWN] != send["unknowns"]:
        found.blame(f"dispatch {send['id']} counts {send['unknowns']} unknown outcomes of {outcomes}")
    if outcomes[AttemptOutcome.ACCEPTED] > 1:
        found.blame(f"dispatch {send['id']} was accepted {outcomes[AttemptOutcome.ACCEPTED]} times")
    if times < outcomes[AttemptOutcome.ACCEPTED]:
        found.lose(f"dispatch {send['id']} counts as accepted and never arrived")
    if send["kind"] == DispatchKind.ACKNOWLEDGEMENT:
        if times > 1:
            found.repeated_acknowledgements += times - 1
            found.blame(f"acknowledgement {send['id']} left {times} times")
        return
    if times > 1:
        found.repeated_forwards += times - 1
    if times > outcomes[AttemptOutcome.ACCEPTED] + outcomes[AttemptOutcome.UNKNOWN] or times > 1 + MOST_AGAIN:
        found.blame(f"dispatch {send['id']} left {times} times with outcomes {outcomes}")


def check_answers(scene: Scene, letter_of: Callable[[int], Letter], found: Findings, *, late: bool = False) -> None:
    """Acknowledgements: one a case, only to those whose forward has its 250, and after it.

    ``letter_of`` gives the letter of a message by the number of its row. ``late``: whoever waits for a
    person has the neutral one.
    """
    per_case = Counter(send["case_id"] for send in scene.of_kind(DispatchKind.ACKNOWLEDGEMENT))
    for case, count in per_case.items():
        if count > 1:
            found.blame(f"case {case} has {count} acknowledgements")
    arrived = [_message_id(sent) for sent in scene.spool]
    for send in scene.of_kind(DispatchKind.ACKNOWLEDGEMENT):
        if send["rfc_message_id"] not in arrived:
            continue
        letter = letter_of(send["message_id"])
        if late and letter.end is End.HELD and send["forward_path"] == letter.author:
            continue
        forwards = [row["rfc_message_id"] for row in _forwards_of(scene, send["message_id"])]
        first = min((arrived.index(number) for number in forwards if number in arrived), default=None)
        if first is None or first > arrived.index(send["rfc_message_id"]):
            found.blame(f"acknowledgement {send['id']} left before its forward")
        if not letter.to or send["forward_path"] != letter.author:
            found.blame(f"acknowledgement {send['id']} went to somebody who gets none")


def _check_owed(scene: Scene, letters: Mapping[int, Letter], found: Findings, *, refusals: bool, late: bool) -> None:
    """Who must hear something did: centre, on-call contact, family (unless that outcome is unknown)."""
    arrived = {_message_id(sent) for sent in scene.spool}
    for key in {digest(letter.octets) for letter in letters.values() if letter.end is not End.CONTESTED}:
        uids = _uids(letters, key)
        ids = {row["id"] for row in scene.rows if row["uid"] in uids}
        sends = [send for send in scene.sends if send["message_id"] in ids]
        heard = {send["forward_path"] for send in sends if send["rfc_message_id"] in arrived}
        # An acknowledgement whose fate is not known is not sent again: that family may have heard nothing.
        heard |= {send["forward_path"] for send in sends if send["state"] == DispatchState.UNKNOWN}
        if refusals:
            # A refused recipient is told of to staff; whoever waited for that forward hears when they have settled it.
            refused = {send["forward_path"] for send in sends if send["state"] == DispatchState.FAILED}
            heard |= refused | ({letters[uid].author for uid in uids} if refused else set())
        held = {row["id"] for row in scene.rows if row["state"] == MessageState.HELD}
        for letter in (letters[uid] for uid in uids):
            if late and ids <= held:
                continue
            owed = {letter.to} if letter.to else set()
            owed |= {letter.author} if letter.acknowledged and not late else set()
            owed |= {ON_CALL} if letter.notice else set()
            if owed - heard:
                found.lose(f"of UIDs {uids}, {len(owed - heard)} who must hear of it did not")


def _forwards_of(scene: Scene, message: int) -> Iterator[Row]:
    return (row for row in scene.of_kind(DispatchKind.FORWARD) if row["message_id"] == message)


def _message_id(sent: AcceptedMessage) -> str:
    found = re.search(
        rb"^Message-ID: *(<[^>\r\n]+>)", sent.octets.partition(b"\r\n\r\n")[0], re.MULTILINE | re.IGNORECASE
    )
    return found[1].decode("ascii") if found else ""
