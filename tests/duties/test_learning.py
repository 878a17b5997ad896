"""What is learnt from names nobody, and never comes from somebody who was erased."""

from __future__ import annotations

from tests.duties.builders import ANNA, erased, label, letter, write
from tests.learning.builders import SHIPPED
from triage.labels import Passed, settled_examples
from triage.reading import ParsedMessages
from triage.record import Store

TEXT = "Mi chiamo Anna Rossi, mia figlia Giada vive a Crema. Tel. 347 1234567\n"


def test_examples_are_masked_and_an_erased_person_gives_none(store: Store) -> None:
    label(store, write(store, ANNA, octets=letter(f"Anna Rossi <{ANNA}>", TEXT, subject="Giada")))
    (one,) = settled_examples(store, SHIPPED, ParsedMessages(), Passed())
    assert one.message.new_text.strip() == (
        "Mi chiamo [persona 1], mia figlia [persona 2] vive a Crema. Tel. [telefono 1]"
    )
    assert one.message.subject == "[persona 2]"
    assert [word for word in ("Anna", "Rossi", "Giada", "347", "anna") if word in repr(one.message)] == []
    erased(store, ANNA)
    passed = Passed()
    assert list(settled_examples(store, SHIPPED, ParsedMessages(), passed)) == []
    assert passed.without_content == 1
