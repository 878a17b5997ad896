"""Routes of the safe view of mail: its own graphics in a sandboxed frame, its files, its original.

Everything here comes from strangers. The frame loads nothing and runs nothing (``safe_html``); a file is always saved,
never shown, under a name that no system runs; nothing in which malware was found can be had; only our own page may ask.
Who opened what is on the sealed record of acts.
"""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from triage.acts.people import Act, Person
from triage.parse.markup import read_markup
from triage.record.looking import FILE_TAKEN, MARKUP_OPENED, ORIGINAL_TAKEN, note_infected
from triage.review.desk import Desk
from triage.review.files import saved_file
from triage.review.guards import RefusedError, desk_of, may
from triage.review.letters import Letter, letter_of, note_seen
from triage.review.safe_html import POLICY, safe_page

router = APIRouter()
Looking = Annotated[Person, Depends(may(Act.LOOK))]

INFECTED = "L'antivirus ha trovato un programma dannoso in questo messaggio: da qui non si scarica."
NOT_SCANNED = "L'antivirus non riesce a controllare questo file, perciò non si scarica. Riprova tra qualche minuto."
ELSEWHERE = "Questo file si apre solo dalla pagina del messaggio."


def from_our_page(request: Request) -> None:
    """Refuse what another site asks for through the reader's browser (ASVS 3.5.8)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise RefusedError(403, "other_site", ELSEWHERE)


OursOnly = Depends(from_our_page)


@router.get("/messaggi/{message_id}/grafica", dependencies=[OursOnly])
def markup(request: Request, message_id: int, person: Looking) -> Response:
    """The message with its own graphics, made harmless, for the frame."""
    letter = _letter(request, message_id)
    inside = letter.message is not None and letter.message is not letter.parsed
    source = read_markup(letter.octets or b"", inside=inside, clock=time.monotonic) if letter.parsed else ""
    if not source:
        raise RefusedError(404, "no_markup", "Questo messaggio non ha una grafica che si possa mostrare.")
    note_seen(desk_of(request), person, MARKUP_OPENED, message_id)
    return HTMLResponse(
        safe_page(source), headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    )


@router.get("/messaggi/{message_id}/allegati/{number}", dependencies=[OursOnly])
def attachment(request: Request, message_id: int, number: int, person: Looking) -> Response:
    """One attached file, to be saved."""
    letter = _letter(request, message_id)
    if letter.infected:
        raise RefusedError(403, "infected", INFECTED)
    if letter.parsed is None or letter.octets is None or not 0 <= number < len(letter.parsed.attachments):
        raise RefusedError(404, "no_such_file")
    file = saved_file(letter.octets, number)
    if file is None:
        raise RefusedError(404, "unreadable_file", "Questo file non si può separare: è nell'originale del messaggio.")
    _look_first(desk_of(request), message_id, file.octets)
    note_seen(desk_of(request), person, FILE_TAKEN, message_id, file=number)
    return _saved(file.octets, file.content_type, file.name)


@router.get("/messaggi/{message_id}/originale.eml", dependencies=[OursOnly])
def original(request: Request, message_id: int, person: Looking) -> Response:
    """The message's octets as they arrived."""
    letter = _letter(request, message_id)
    if letter.infected:
        raise RefusedError(403, "infected", INFECTED)
    if letter.octets is None:
        raise RefusedError(404, "no_octets", "L'originale di questo messaggio non è più conservato.")
    _look_first(desk_of(request), message_id, letter.octets)
    note_seen(desk_of(request), person, ORIGINAL_TAKEN, message_id)
    return _saved(letter.octets, "message/rfc822", f"messaggio-{message_id}.eml")


def _letter(request: Request, message_id: int) -> Letter:
    desk = desk_of(request)
    with desk.store.read("content") as tx:
        return letter_of(desk, tx, message_id)


def _look_first(desk: Desk, message_id: int, octets: bytes) -> None:
    """Have octets scanned before anybody saves them, where there is a scanner; raises :class:`RefusedError`."""
    found = desk.scan(octets) if desk.scan is not None else "clean"
    if found == "clean":
        return
    if found == "infected":
        with desk.store.write("infected") as tx:
            note_infected(tx, message_id)
        raise RefusedError(403, "infected", INFECTED)
    raise RefusedError(503, "not_scanned", NOT_SCANNED)


def _saved(octets: bytes, content_type: str, name: str) -> Response:
    """Never shown in the browser: saved, and not taken for another type than we say (RFC 6266, RFC 8187)."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\%;' else "_" for sign in name)
    return Response(
        octets,
        media_type=content_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            # Opened by mistake as a page, it still could do nothing.
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "X-Download-Options": "noopen",
        },
    )
