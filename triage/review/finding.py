"""What somebody looks for among what is done: read from a form, kept in the session, carried out.

In: the fields of the form, or what the session kept of them. Out: a :class:`Search`, or what is wrong with it as a
sentence; then a :class:`Found`. Codes, addresses and days are found by index. Names and words are not: messages are
opened one after the other, the newest first, and never more than :data:`MOST_READ` or :data:`SECONDS` at a time; the
page says how far it got. So it stays when octets are encrypted at rest: no index of words lies beside them.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from triage.conversations import recipient_keys
from triage.record import Transaction
from triage.record.done import Sought, done_page
from triage.record.identity import secret_if_known
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow
from triage.review.desk import Desk
from triage.review.guards import RefusedError
from triage.review.times import ROME
from triage.review.whole import beginnings_of, opened_whole
from triage.rules import Rules
from triage.vocabulary import TOPICS, InboundMessage

SIZE = 25
AT_ONCE = 50
MOST_READ = 400
MOST_COUNTED = 500
SECONDS = 1.5
MOST_WORDS = 8
WRONG_DAYS = "Scrivi i giorni come 28/11/2026, il primo prima dell'ultimo."


@dataclass(frozen=True, slots=True)
class Search:
    """The fields of the form as they were filled in, checked. Days are written ``2026-11-28``."""

    persona: str = ""
    comune: str = ""
    centro: str = ""
    argomento: str = ""
    dal: str = ""
    al: str = ""
    parole: str = ""

    @property
    def anything(self) -> bool:
        """Whether something is asked for."""
        return any(asdict(self).values())

    @property
    def words(self) -> tuple[str, ...]:
        """What must stand in the mail itself, folded; a name is a word."""
        name = "" if "@" in self.persona else self.persona
        return tuple(dict.fromkeys(folded(f"{name} {self.parole}").split()))


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of messages; ``more``: there are more, and nobody counted on."""

    number: int
    more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """``before``: from which number to go on, 0 where everything was seen. ``read``: messages that were opened.

    ``partly``: those too long to be read to their end; the words may stand further on.
    """

    rows: tuple[MessageRow, ...]
    before: int
    read: int = 0
    reached: datetime | None = None
    partly: tuple[MessageRow, ...] = ()
    matching: Counted | None = None
    total: Counted | None = None
    """How many messages are meant, and how many are done at all; ``None``: not counted."""


def search_of(values: Mapping[str, str], rules: Rules) -> Search | str:
    """A search that can be carried out, or what is wrong."""
    given = {name: " ".join(str(values.get(name, "")).split()) for name in Search.__slots__}
    if given["comune"]:
        typed = given["comune"].casefold()
        given["comune"] = next((name for name in rules.places if name.casefold() == typed), "")
        if not given["comune"]:
            return "Questo comune non è nell'elenco delle due province: scegli il nome tra quelli proposti."
    if given["centro"] and given["centro"] not in rules.projects:
        return "Questo centro non c'è nelle regole."
    if given["argomento"] and given["argomento"] not in TOPICS:
        return "Questo argomento non esiste."
    for name in ("dal", "al"):
        if given[name] and day_of(given[name]) is None:
            return "Scrivi i giorni come 28/11/2026, oppure sceglili dal calendario."
    search = Search(**{name: _day_text(value) if name in ("dal", "al") else value for name, value in given.items()})
    if search.dal and search.al and search.dal > search.al:
        return "Il primo giorno viene dopo l'ultimo: scambiali."
    if len(search.words) > MOST_WORDS:
        return f"Troppe parole: bastano le {MOST_WORDS} più particolari."
    return search


def kept_search(values: Mapping[str, Any] | None, rules: Rules) -> Search:
    """What the session kept; nothing, when the rules no longer know it."""
    found = search_of({name: str(value) for name, value in (values or {}).items()}, rules)
    return found if isinstance(found, Search) else Search()


def find(desk: Desk, search: Search, before: int) -> Found:
    """The next messages that are meant, from ``before`` (0: the newest) backwards."""
    with desk.store.read("search") as tx:
        sought = _sought(search, secret_if_known(tx) if "@" in search.persona else b"")
        if not search.words:
            page = done_page(tx, sought, before=before, size=SIZE)
            found = Found(page.rows, page.rows[-1].id if page.more else 0)
            if not search.anything:
                return found
            return replace(found, matching=_counted(tx, sought), total=_counted(tx, Sought()))
    return _read_through(desk, sought, search.words, before)


def _counted(tx: Transaction, sought: Sought) -> Counted:
    page = done_page(tx, sought, size=MOST_COUNTED)
    return Counted(len(page.rows), page.more)


def _sought(search: Search, secret: bytes) -> Sought:
    since, until = day_of(search.dal), day_of(search.al)
    return Sought(
        person=recipient_keys(secret, search.persona)[0] if "@" in search.persona else "",
        comune=search.comune,
        project=search.centro,
        topic=search.argomento,
        since=midnight(since) if since else None,
        until=midnight(until + timedelta(days=1)) if until else None,
    )


def _read_through(desk: Desk, sought: Sought, words: tuple[str, ...], before: int) -> Found:
    """Open one message after the other until a page is full, or enough was read."""
    rules, ends = desk.knowledge.in_force().rules, time.monotonic() + SECONDS
    hits: list[MessageRow] = []
    partly: list[MessageRow] = []
    read, at, more = 0, before, True
    reached: datetime | None = None
    while more and len(hits) < SIZE and read < MOST_READ and time.monotonic() < ends:
        with desk.store.read("search by words") as tx:
            page = done_page(tx, sought, before=at, size=AT_ONCE)
            boxes = {box.id: rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
            beginnings = beginnings_of(desk, tx, page.rows, boxes)
        more = page.more
        for row in page.rows:
            at, reached, read = row.id, row.internal_date or row.listed_at, read + 1
            opened = beginnings.get(row.id)
            if opened is not None and not opened.whole and not _holds(opened.message, words):
                with desk.store.read("search to the end") as tx:
                    opened = opened_whole(desk, tx, row, boxes) or opened
            if opened is not None and _holds(opened.message, words):
                hits.append(row)
            elif opened is not None and not opened.whole:
                partly.append(row)
            if len(hits) == SIZE or time.monotonic() >= ends:
                more = more or row is not page.rows[-1]
                break
    return Found(tuple(hits), at if more else 0, read, reached, tuple(partly))


def _holds(message: InboundMessage, words: tuple[str, ...]) -> bool:
    author = message.author
    files = " ".join(item.file_name for item in message.attachments)
    parts = (author.display_name, author.addr_spec, message.subject, message.new_text, message.signature, files)
    text = folded(" ".join(parts))
    return all(word in text for word in words)


def folded(text: str) -> str:
    """Letters without accents and capitals: who types "citta" finds "Città"."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def day_of(text: str) -> date | None:
    """A day as calendars of browsers write it, or as people do."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - only a day
        except ValueError:
            continue
    return None


def days_between(dal: str, al: str) -> tuple[datetime | None, datetime | None]:
    """From the first day's beginning to the last one's end; ``None``: no bound there. Raises :class:`RefusedError`."""
    first, last = day_of(dal), day_of(al)
    if (dal and first is None) or (al and last is None) or (first and last and first > last):
        raise RefusedError(422, "days", WRONG_DAYS)
    return midnight(first) if first else None, midnight(last + timedelta(days=1)) if last else None


def _day_text(text: str) -> str:
    day = day_of(text)
    return day.isoformat() if day else ""


def midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), ROME)
