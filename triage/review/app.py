"""The staff page as one app: every page's routes, the guard before all of them, and friendly pages for errors."""

from __future__ import annotations

import logging
from importlib import import_module

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Scope

from triage.record import StoreError
from triage.review.desk import Desk
from triage.review.guards import NotSignedInError, RefusedError, guard, session_or_none
from triage.review.live import Lookout
from triage.review.onward import keep_page, page_above
from triage.review.protection import Protection
from triage.review.rendering import STATIC, go, render

log = logging.getLogger("triage.review")

PAGES = (
    *("access", "own", "second_factor", "people", "halting", "accessibility"),
    *("queue", "letter", "forwarding", "exits", "undoing", "content"),
    *(
        "settled",
        "case",
        "correction",
        "also",
        "register",
        "operations",
        "checks",
        "trends",
        "rulebook",
        "modelling",
        "protocol",
        "live",
    ),
)
"""Modules with a ``router``, in the order in which their routes are tried."""

ERRORS = {
    400: ("Indirizzo non riconosciuto", "La pagina è stata chiesta con un nome che non è il suo."),
    403: ("Non è permesso", "Il tuo ruolo non permette questa operazione. Chiedi a chi gestisce gli accessi."),
    404: ("Pagina non trovata", "Qui non c'è niente: forse l'indirizzo è incompleto, o il messaggio non esiste più."),
    405: ("Operazione non prevista", "Torna alla pagina precedente e usa i pulsanti."),
    409: ("Qualcuno è stato più veloce", "Nel frattempo è cambiato qualcosa: riapri la pagina e guarda com'è adesso."),
    413: ("Troppo grande", "Quello che hai inviato supera la misura permessa. Non è stato salvato niente."),
    422: ("Manca qualcosa", "Un campo è vuoto o non è valido. Torna indietro, controlla e riprova."),
    500: ("Qualcosa non ha funzionato", "Non è colpa tua e nessun messaggio è andato perso. Riprova tra poco."),
    503: ("Il registro non risponde", "Nessun messaggio è andato perso. Riprova tra poco."),
}
_TEXTS = {
    "other_site": "La richiesta non arriva da questa pagina: per sicurezza non è stata eseguita. Riapri la pagina.",
    "token": "La pagina era aperta da troppo tempo: per sicurezza non è stato fatto niente. Riaprila e riprova.",
}


def create_app(desk: Desk) -> FastAPI:
    """The app over one desk; it owns nothing: whoever made the desk closes the store."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guard)], redirect_slashes=False
    )
    app.state.desk = desk
    app.state.lookout = Lookout()
    routers = [import_module(f"triage.review.{name}").router for name in PAGES]
    for router in routers:
        app.include_router(router)
    app.state.routes = tuple(route for router in routers for route in router.routes if isinstance(route, APIRoute))
    app.mount("/static", _Files(directory=STATIC), name="static")
    app.add_exception_handler(NotSignedInError, _not_signed_in)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StoreError, _no_record)
    app.add_middleware(Protection, names=desk.listening.names, secure=desk.listening.secure, page=plain_page)
    return app


class _Files(StaticFiles):
    """Files whose address changes with their content may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def error_page(request: Request, status: int, text: str = "", title: str = "", case: str = "") -> Response:
    """A friendly page for an error, in the page's frame where that can still be drawn."""
    usual_title, usual = ERRORS.get(status, ERRORS[500])
    try:
        values = {"title": title or usual_title, "text": text or usual, "case": case}
        return render(request, "error.html", status, status=status, **values)
    except Exception as error:  # noqa: BLE001 - the frame needs the record, which may be what failed
        log.error("no frame for an error", extra={"action": "page_failed", "kind": type(error).__name__})
        return plain_page(request, status, "")


def plain_page(_request: Request, status: int, _code: str) -> Response:
    """An error's page that needs nothing."""
    title, text = ERRORS.get(status, ERRORS[500])
    return HTMLResponse(
        '<!doctype html><html lang="it"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · Smistamento della posta</title></head><body><main data-rifiuto><h1>{title}</h1><p>{text}</p>"
        '<p><a href="/">Torna alla prima pagina</a></p></main></body></html>',
        status,
    )


def _not_signed_in(request: Request, error: Exception) -> Response:
    if not isinstance(error, NotSignedInError):
        raise error
    by_page = request.headers.get("HX-Request")
    response = Response(status_code=401, headers={"HX-Redirect": error.path}) if by_page else go(error.path)
    keep_page(request, response)
    return response


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    log.warning("refused", extra={"action": "page_refused", "why": error.code, "person": _number(request)})
    return error_page(request, error.status, error.text or _TEXTS.get(error.code, ""), error.title, error.case)


def _number(request: Request) -> int:
    session = session_or_none(request)
    return session.person_id if session is not None else 0


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405 and request.method == "GET" and (page := page_above(request)):
        return go(page)  # a reload, or a way back, to what was pressed there: nothing is pressed again
    # A form that cannot be read; the page of 400 itself speaks of names that are not ours.
    return error_page(request, 422 if error.status_code == 400 else error.status_code)


def _invalid(request: Request, _error: Exception) -> Response:
    return error_page(request, 422)


def _no_record(request: Request, error: Exception) -> Response:
    if not isinstance(error, StoreError):
        raise error
    log.error(str(error), extra={"action": "record_trouble", "kind": error.kind})
    return plain_page(request, 503, "")
