"""A centre for which a message was not is not the first that the keys propose for it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import httpx

from tests.review.mail import a_mail, arrive, row_of
from tests.review.office import Office
from tests.review.outbox import Outbox
from tests.review.test_case import CREMA, OGLIO_PO, code_of, misroute, outbox
from tests.review.test_register import corrected
from triage.acts.people import Role
from triage.record.turned_down import turned_down
from triage.vocabulary import MessageState

__all__ = ["misroute", "outbox"]


def handed_back(office: Office, key: int, by: str) -> None:
    code = code_of(office, key)
    arrive(office, [a_mail(f"Codice: {code}", f"Non è per noi [{code}]", by)])
    assert (row_of(office, key).state, row_of(office, key).hold_reason) == (MessageState.HELD, "restituito")


def proposed(page: str) -> list[str]:
    return re.findall(r'name="centro" value="([a-z_]+)\.', page)


def test_who_handed_a_message_back_is_not_behind_key_1(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    handed_back(office, misroute, CREMA)
    page = http(Role.OPERATOR).get(f"/messaggi/{misroute}").text
    assert len(proposed(page)) == 3
    assert "crema" not in proposed(page)[:2]
    with office.store.read("look") as tx:
        assert turned_down(tx, misroute) == {"crema": "restituito"}


def test_neither_is_who_had_got_it_by_mistake_and_another_message_of_the_case_is_proposed_as_before(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    corrected(office, misroute)
    outbox.send(after=timedelta(minutes=3))
    handed_back(office, misroute, OGLIO_PO)
    with office.store.read("look") as tx:
        assert turned_down(tx, misroute) == {"crema": "corretto", "oglio_po": "restituito"}
        assert turned_down(tx, misroute + 1) == {}
    first, *_ = proposed(http(Role.OPERATOR).get(f"/messaggi/{misroute}").text)
    assert first not in ("crema", "oglio_po")
