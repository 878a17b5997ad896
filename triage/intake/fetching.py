"""Fetches the octets of listed messages, in batches bounded by count and octets, and records them.

Sizes that the server states order the work but are not believed: every fetch is cut at a length
that we choose, and what reaches the cut is fetched alone. Over the limit: the header section only,
the message stays where it is. What comes shorter than stated is asked for once more at once, and the
longer answer counts; nothing in the place of something is no answer, and of a letter that is cut
there is another after a pause. Octets, digest and state are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from imapclient.exceptions import IMAPClientError

from triage.intake.mailbox import ImapMailbox, suppress_refusal
from triage.intake.plan import MailboxPlan
from triage.intake.recognise import CUT, is_cut, recognise
from triage.intake.trouble import is_passing
from triage.record import Store, Transaction
from triage.record.incidents import open_incident
from triage.record.mailboxes import MailboxRow
from triage.record.messages import MessageRow, Reception, listed_messages, postpone_fetch, record_receptions
from triage.record.octets import digest
from triage.vocabulary import FetchedMessage, MessageState

COUNT = 100
"""Messages in one FETCH: nothing is gained beyond (measured: 6,367/s at 100, 6,435/s at 500)."""
OCTETS = 8 << 20
"""Octets asked for in one FETCH."""
HEADER_OCTETS = 64 << 10
MOST_TRIES = 5
GUESSES = 20
"""After so many in a row the server's sizes are guesses: only what is seen to be cut is asked for again."""
LOOKS = 2
"""Looks that must miss a message before it counts as taken away: a server has bad moments."""


def fetch_listed(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow) -> int:
    """Fetch one round of listed messages; how many were dealt with (0: nothing is due)."""
    with store.read("listed messages") as tx:
        rows = listed_messages(tx, mailbox, COUNT)
    for group, most in _groups(rows, plan.max_octets):
        _fetch_group(store, imap, plan, mailbox, group, most)
    return len(rows)


def _groups(rows: Sequence[MessageRow], limit: int) -> Iterator[tuple[list[MessageRow], int]]:
    """Groups of messages with the octets to ask of each, so that count times octets stays bounded."""
    group: list[MessageRow] = []
    most = 0
    for row in sorted(rows, key=lambda row: row.size):
        wanted = min(row.size, limit) + 1
        if group and (len(group) + 1) * max(most, wanted) > OCTETS:
            yield group, most
            group, most = [], 0
        group.append(row)
        most = max(most, wanted)
    if group:
        yield group, most


def _fetch_group(
    store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, rows: list[MessageRow], most: int
) -> None:
    fetched = _ask(imap, rows, most)
    rows = _ask_again(imap, rows, fetched, most)
    done: list[tuple[MessageRow, FetchedMessage]] = []
    missing: list[MessageRow] = []
    for row in rows:
        message = fetched.get(row.location_uid)
        if message is not None and len(message.octets) >= most:
            _fetch_alone(store, imap, plan, mailbox, replace(row, size=max(row.size, most)))
        elif message is None or _is_missing(row, message.octets):
            missing.append(row)
        else:
            done.append((row, message))
    _record(store, plan, mailbox, done)
    if missing:
        _settle_missing(store, imap, plan, mailbox, missing)


def _ask_again(
    imap: ImapMailbox, rows: Sequence[MessageRow], fetched: dict[int, FetchedMessage], most: int
) -> list[MessageRow]:
    """Put the longer of two answers where one was shorter than stated; the rows, with the size that is stated now."""
    short = [row for row in rows if _falls_short(row, fetched, most)]
    if imap.guessed >= GUESSES:
        short = [row for row in short if _is_doubtful(row, fetched[row.location_uid].octets)]
    if not short:
        return list(rows)
    longer = {
        uid: message
        for uid, message in _ask(imap, short, most).items()
        if uid in fetched and len(message.octets) > len(fetched[uid].octets)
    }
    fetched.update(longer)
    imap.guessed = 0 if longer else imap.guessed + len(short)
    # Some servers state a size by guess, and some know better once they have read the message.
    doubtful = [row.location_uid for row in short if _is_doubtful(row, fetched[row.location_uid].octets)]
    stated = imap.sizes(doubtful)
    return [replace(row, size=stated[row.location_uid].size) if row.location_uid in stated else row for row in rows]


def _falls_short(row: MessageRow, fetched: dict[int, FetchedMessage], most: int) -> bool:
    message = fetched.get(row.location_uid)
    # Where no size was told, nothing is less than anything.
    return message is not None and (not message.octets or len(message.octets) < min(row.size, most))


def _is_doubtful(row: MessageRow, octets: bytes) -> bool:
    return not octets or is_cut(row.size, octets)


def _is_missing(row: MessageRow, octets: bytes) -> bool:
    """Whether so little came that it is as if nothing had come; of what is cut, at the first try only."""
    return bool(row.size and not octets) or (row.tries + 1 < LOOKS and is_cut(row.size, octets))


def _ask(imap: ImapMailbox, rows: Sequence[MessageRow], most: int) -> dict[int, FetchedMessage]:
    """Octets by UID; a server that refuses the whole command is asked one message at a time."""
    try:
        return imap.octets([row.location_uid for row in rows], most)
    except IMAPClientError as error:
        if is_passing(error):
            raise  # a throttled server says nothing about the message: it must not count as unreadable
        if len(rows) == 1:
            return {}
    found: dict[int, FetchedMessage] = {}
    for row in rows:
        found |= _ask(imap, [row], most)
    return found


def _fetch_alone(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, row: MessageRow) -> None:
    """A message longer than it was said to be, or over the limit."""
    message = None if row.size > plan.max_octets else _ask(imap, [row], plan.max_octets + 1).get(row.location_uid)
    if message is not None and len(message.octets) <= plan.max_octets:
        if _is_missing(row, message.octets):
            _settle_missing(store, imap, plan, mailbox, [row])
        else:
            _record(store, plan, mailbox, [(row, message)])
        return
    header = None
    with suppress_refusal():  # asked for again, and at last a person's: no message stops its mailbox
        header = imap.header_section(row.location_uid, HEADER_OCTETS)
    if header is None:
        _settle_missing(store, imap, plan, mailbox, [row])
        return
    reception = Reception(
        row.id, MessageState.OVERSIZE, header, digest(header), "troppo_grande", size=max(row.size, plan.max_octets + 1)
    )
    with store.write("oversize") as tx:
        record_receptions(tx, mailbox, [reception])


def _record(
    store: Store, plan: MailboxPlan, mailbox: MailboxRow, fetched: Sequence[tuple[MessageRow, FetchedMessage]]
) -> None:
    if not fetched:
        return
    with store.write("received") as tx:
        receptions = recognise(tx, mailbox, [(row, message.octets) for row, message in fetched])
        record_receptions(tx, mailbox, receptions)
        _tell_of_incomplete(tx, plan, sum(one.hold_reason == CUT for one in receptions))


def _settle_missing(
    store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, rows: Sequence[MessageRow]
) -> None:
    """Not given: gone, if the server twice does not list it; else asked for again, and at last a person's."""
    present = imap.present([row.location_uid for row in rows])
    receptions = []
    again = []
    for row in rows:
        if row.location_uid not in present and row.tries + 1 >= LOOKS:
            receptions.append(Reception(row.id, MessageState.VANISHED))
        elif row.location_uid in present and row.tries + 1 >= MOST_TRIES:
            receptions.append(Reception(row.id, MessageState.UNREADABLE, hold_reason="illeggibile"))
        else:
            again.append(row)
    with store.write("missing") as tx:
        record_receptions(tx, mailbox, receptions)
        _tell_of_incomplete(tx, plan, sum(one.state is MessageState.UNREADABLE for one in receptions))
        for row in again:
            postpone_fetch(tx, mailbox, [row.id], tx.now + timedelta(minutes=2**row.tries))


def _tell_of_incomplete(tx: Transaction, plan: MailboxPlan, count: int) -> None:
    # Over when none of them waits in the mailbox any more (``presence``).
    if count:
        text = f"mailbox {plan.name}: {count} messages were not given, or much shorter than stated; staff have them"
        open_incident(tx, "unreadable", plan.name, text)
