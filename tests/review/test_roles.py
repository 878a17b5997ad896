"""Every route and every role: who is let in, and who is not (ASVS 8.2.1, 8.2.2, 8.3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module

import httpx
import pytest
from fastapi.routing import APIRoute

from tests.review.office import token_of
from triage.acts.people import Act, Person, Role, may
from triage.review.app import PAGES
from triage.review.guards import May
from triage.review.rendering import MENU

ANYBODY, SIGNED_IN = "anybody", "signed in"
ROUTES: dict[tuple[str, str], str] = {
    ("GET", "/"): SIGNED_IN,
    ("GET", "/accedi"): ANYBODY,
    ("POST", "/accedi"): ANYBODY,
    ("GET", "/accedi/codice"): ANYBODY,
    ("POST", "/accedi/codice"): ANYBODY,
    ("POST", "/esci"): ANYBODY,
    ("GET", "/accessibilita"): ANYBODY,
    ("GET", "/profilo"): SIGNED_IN,
    ("POST", "/profilo/tasti"): SIGNED_IN,
    ("POST", "/profilo/accessi"): SIGNED_IN,
    ("GET", "/profilo/password"): SIGNED_IN,
    ("POST", "/profilo/password"): SIGNED_IN,
    ("GET", "/profilo/codice"): SIGNED_IN,
    ("POST", "/profilo/codice"): SIGNED_IN,
    ("POST", "/profilo/codice/togli"): SIGNED_IN,
    ("POST", "/profilo/codice/riserva"): SIGNED_IN,
    ("GET", "/persone"): Act.PEOPLE,
    ("POST", "/persone"): Act.PEOPLE,
    ("GET", "/persone/{person_id}"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/ruolo"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/password"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/chiudi"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/riapri"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/codice"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/sblocca"): Act.PEOPLE,
    ("POST", "/persone/{person_id}/esci"): Act.PEOPLE,
    ("GET", "/fermo"): Act.STOP,
    ("POST", "/fermo/ferma"): Act.STOP,
    ("POST", "/fermo/riparti"): Act.STOP,
    ("GET", "/da-decidere"): Act.LOOK,
    ("GET", "/messaggi/{message_id}"): Act.LOOK,
    ("POST", "/da-decidere/non-per-noi"): Act.SETTLE,
    ("GET", "/messaggi/{message_id}/uscita/{exit}"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/uscita/{exit}"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/uscita/{exit}/anteprima"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/uscita/{exit}/modifica"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/anteprima"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/inoltra"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/prendi"): Act.TAKE,
    ("POST", "/annulla/{settlement_id}"): Act.SETTLE,
    ("POST", "/eventi/apertura/{message_id}"): Act.SETTLE,
    ("GET", "/messaggi/{message_id}/grafica"): Act.LOOK,
    ("GET", "/messaggi/{message_id}/allegati/{number}"): Act.LOOK,
    ("GET", "/messaggi/{message_id}/originale.eml"): Act.LOOK,
    ("GET", "/smistati"): Act.LOOK,
    ("POST", "/smistati/cerca"): Act.LOOK,
    ("POST", "/smistati/tutti"): Act.LOOK,
    ("GET", "/casi/{code}"): Act.LOOK,
    ("GET", "/casi/{code}/unisci/{message_id}"): Act.SETTLE,
    ("POST", "/casi/{code}/unisci/{message_id}"): Act.SETTLE,
    ("GET", "/casi/{code}/separa/{message_id}"): Act.SETTLE,
    ("POST", "/casi/{code}/separa/{message_id}"): Act.SETTLE,
    ("POST", "/casi/{code}/conferma"): Act.SETTLE,
    ("GET", "/casi/{code}/anche/{message_id}"): Act.SETTLE,
    ("POST", "/casi/{code}/anche/{message_id}/anteprima"): Act.SETTLE,
    ("POST", "/casi/{code}/anche/{message_id}"): Act.SETTLE,
    ("GET", "/casi/{code}/correggi/{message_id}"): Act.CORRECT,
    ("POST", "/casi/{code}/correggi/{message_id}/anteprima"): Act.CORRECT,
    ("POST", "/casi/{code}/correggi/{message_id}"): Act.CORRECT,
    ("GET", "/errori"): Act.REGISTER,
    ("GET", "/errori/{number}"): Act.REGISTER,
    ("POST", "/errori/{number}/risposta"): Act.RECALLS,
    ("POST", "/errori/{number}/chiudi"): Act.RECALLS,
    ("POST", "/errori/scarica"): Act.REGISTER,
    ("GET", "/operazioni"): Act.ACTS,
    ("POST", "/operazioni/scarica"): Act.ACTS,
    ("GET", "/eventi"): Act.LOOK,
    ("GET", "/controlli"): Act.LOOK,
    ("POST", "/controlli/prossimo"): Act.SAMPLE,
    ("GET", "/controlli/{sample_id}"): Act.LOOK,
    ("POST", "/controlli/{sample_id}"): Act.SAMPLE,
    ("POST", "/controlli/{sample_id}/non-giudicabile"): Act.SAMPLE,
    ("POST", "/controlli/modi/{project}/automatico"): Act.MODES,
    ("POST", "/controlli/modi/{project}/proposta"): Act.MODES,
    ("GET", "/andamento"): Act.LOOK,
    ("POST", "/andamento/scarica/{name}"): Act.EXPORT,
    ("POST", "/andamento/registro"): Act.EXPORT,
    ("GET", "/protocollo"): Act.LOOK,
    ("POST", "/protocollo/{message_id}/numero"): Act.SETTLE,
    ("POST", "/messaggi/{message_id}/protocollo"): Act.SETTLE,
    ("GET", "/regole/imparate"): Act.LOOK,
    ("GET", "/regole/imparate/{number}"): Act.TEACH,
    ("POST", "/regole/imparate/{number}/togli"): Act.TEACH,
    ("GET", "/regole"): Act.LOOK,
    ("GET", "/regole/prova"): Act.LOOK,
    ("POST", "/regole/prova"): Act.LOOK,
    ("GET", "/regole/confronto"): Act.MODES,
    ("POST", "/regole/confronto"): Act.MODES,
    ("GET", "/regole/indirizzi/{project}/{key}"): Act.LOOK,
    ("POST", "/regole/indirizzi/{project}/{key}/prova"): Act.ADDRESSES,
    ("POST", "/regole/indirizzi/{project}/{key}/annulla"): Act.ADDRESSES,
    ("POST", "/regole/indirizzi/{project}/{key}/togli"): Act.ADDRESSES,
    ("GET", "/regole/comuni/{project}"): Act.LOOK,
    ("POST", "/regole/comuni/{project}"): Act.AREAS,
    ("GET", "/modelli"): Act.LOOK,
    ("GET", "/modelli/cambiamenti"): Act.LOOK,
    ("GET", "/modelli/indietro"): Act.PROMOTE,
    ("POST", "/modelli/indietro"): Act.PROMOTE,
    ("GET", "/modelli/{version}"): Act.LOOK,
    ("GET", "/modelli/{version}/rapporto"): Act.LOOK,
    ("GET", "/modelli/{version}/in-vigore"): Act.PROMOTE,
    ("POST", "/modelli/{version}/in-vigore"): Act.PROMOTE,
}
"""Each route with who may ask for it. A new route gets its line here, or the test fails."""
OWN_REASONS = frozenset({"/esci", "/profilo/codice/togli"})
"""Ends the session; refused to those whose role needs codes (``test_second_factor``)."""
UNKNOWN = 999_999


def routes() -> Iterator[tuple[str, APIRoute]]:
    for name in PAGES:
        for route in import_module(f"triage.review.{name}").router.routes:
            assert isinstance(route, APIRoute)
            yield from ((method, route) for method in (route.methods or set()) - {"HEAD"})


def test_every_route_has_its_line_and_none_is_left_over() -> None:
    assert {(method, route.path) for method, route in routes()} == set(ROUTES)


def test_every_route_asks_for_the_act_that_its_line_names() -> None:
    for method, route in routes():
        asked = {one.call.act for one in route.dependant.dependencies if isinstance(one.call, May)}
        line = ROUTES[method, route.path]
        assert asked == (set() if line in (ANYBODY, SIGNED_IN) else {line}), route.path


def ask(client: httpx.Client, method: str, path: str, token: str) -> httpx.Response:
    address = re.sub(r"\{\w+\}", str(UNKNOWN), path)
    # Only the head of the answer: a stream of events has no end.
    with client.stream(method, address, data={"csrf": token} if method == "POST" else None) as answer:
        return answer


@pytest.mark.parametrize("role", Role)
def test_a_role_is_let_in_where_it_may_and_nowhere_else(http: Callable[..., httpx.Client], role: Role) -> None:
    client = http(role)
    token = token_of(client.get("/accessibilita").text)
    for (method, path), line in ROUTES.items():
        if path in OWN_REASONS:
            continue
        answer = ask(client, method, path, token)
        refused = line not in (ANYBODY, SIGNED_IN) and not may(role, line)
        assert (answer.status_code == 403) is refused, (method, path, answer.status_code)
        assert answer.status_code < 500


def test_nobody_is_let_in_without_signing_in(http: Callable[..., httpx.Client]) -> None:
    client = http()
    for (method, path), line in ROUTES.items():
        if line != ANYBODY:
            answer = ask(client, method, path, "")
            if answer.status_code != 422:  # a form without its fields is refused before anybody is asked for
                assert (answer.status_code, answer.headers["Location"]) == (303, "/accedi"), (method, path)


def test_the_menu_shows_what_a_role_may_open(http: Callable[..., httpx.Client]) -> None:
    for role in Role:
        page = http(role).get("/profilo").text
        assert {entry.path for entry in MENU if f'<a href="{entry.path}"' in page} == {
            entry.path for entry in MENU if may(role, entry.act)
        }


def test_an_act_that_nobody_has_named_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'fly'"):
        may(Person(None, "cli", "cli", Role.OPERATOR).role, "fly")
