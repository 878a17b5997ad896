"""The inbox of the crash tests: a letter of each kind, and what must become of it whatever crashes.

Subjects, bodies and authors' addresses carry canary words: they may stand in what is forwarded,
never in a log or an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from tests.servers.mail import AttachedFile, make_mail

CANARIES = ("canarino-oggetto", "canarino-corpo", "canarino-mittente")

CREMA = "orientagiovani@comune.crema.cr.it"
MANTOVA = "info@centrofamiglieinsieme.it"
ON_CALL = "reperibile@example.org"

WRITTEN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
"""Lately: what is older than a mailbox's first look is held."""


class End(Enum):
    """What becomes of a letter when everything has settled."""

    FORWARDED = auto()
    HELD = auto()
    FILED_ON_PROOF = auto()
    BASELINE = auto()
    CONTESTED = auto()
    """A colleague moves it away at some moment: forwarded, or theirs; never lost, never twice."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the inbox. ``to`` is where its forward goes; ``notice``: the on-call contact hears of it."""

    octets: bytes
    end: End
    to: str = ""
    acknowledged: bool = False
    notice: bool = False

    @property
    def author(self) -> str:
        """Its reverse path."""
        head = self.octets.split(b"\r\n", 1)[0]
        return head.partition(b"<")[2].rstrip(b">").decode("ascii")


def _letter(number: int, body: str, end: End, to: str = "", *, notice: bool = False, **fields: object) -> Letter:
    address = f"canarino-mittente.{number}@example.com"
    values: dict[str, object] = {
        "subject": f"canarino-oggetto {number}",
        "author": f"Anna Esempio <{address}>",
        "message_id": f"<crash.{number}@example.com>",
        "date": WRITTEN + timedelta(seconds=number),
        "return_path": address,
        **fields,
    }
    octets = make_mail(f"{body}\ncanarino-corpo {number}\n", **values)  # type: ignore[arg-type]
    return Letter(octets, end, to, acknowledged=bool(to), notice=notice)


OLD = _letter(1, "Buongiorno,\nabito a Crema e vorrei sapere che orari fate il sabato. Grazie.", End.BASELINE)
"""There before the service started: the colleague's own business."""

_TWICE = _letter(
    2, "Buongiorno,\nabito a Crema e vorrei sapere che orari fate il sabato. Grazie.", End.FORWARDED, CREMA
)

NEW: tuple[Letter, ...] = (
    _TWICE,
    _letter(
        3,
        "Buongiorno,\nabito a Mantova: c'è posto nel laboratorio per bambini? È già iniziato? Vorrei iscriverli.",
        End.FORWARDED,
        MANTOVA,
        transfer_encoding="8bit",
    ),
    _letter(
        4,
        "Buongiorno,\nabito a Crema e vorrei sapere come iscrivermi al gruppo per genitori. Allego il modulo.",
        End.FORWARDED,
        CREMA,
        attachments=(AttachedFile("modulo.pdf", bytes(range(256)) * 20),),
    ),
    _letter(5, "Buongiorno,\nvorrei sapere che orari fate il sabato. Grazie.", End.HELD),
    _letter(
        6,
        "Mio marito mi picchia, ieri mi ha stretto il collo davanti al bambino e ho paura che ci ammazzi. Sto a Goito.",
        End.HELD,
        notice=True,
    ),
    _letter(
        7,
        "Risposta automatica: l'ufficio è chiuso fino al 30 novembre. Per informazioni chiamare il centralino.",
        End.FILED_ON_PROOF,
        headers=(("Auto-Submitted", "auto-replied"), ("Precedence", "bulk")),
        return_path="",
    ),
    Letter(_TWICE.octets, End.HELD),
    _letter(
        8,
        "Buongiorno,\nabito a Mantova e vorrei sapere che orari fate il sabato. Grazie.",
        End.CONTESTED,
        MANTOVA,
    ),
)
"""What comes in while the service was down, in the order of arrival."""
