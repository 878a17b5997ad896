"""The whole classifier, with the model that is delivered."""

from __future__ import annotations

import json
import math
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.classify.letters import letter
from triage.classify import Classifier, load_classifier
from triage.classify.artefact import digest
from triage.classify.wording import explain, known_codes
from triage.decide.danger import hides_danger
from triage.vocabulary import TOPICS, Address, Attachment, Defect, InboundMessage

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier(MODELS / "model.skops")


def test_the_delivered_card_belongs_to_the_delivered_model() -> None:
    card = json.loads((MODELS / "card.json").read_text())
    assert card["sha256"] == digest((MODELS / "model.skops").read_bytes())


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("orientamento", "Buongiorno, che orari fate e dove siete di preciso? Serve un appuntamento?"),
        ("genitorialita", "Mio figlio di 14 anni non esce più dalla camera e non so più come fare con lui."),
        ("ascolto", "Ci stiamo separando e vorrei un colloquio con una psicologa per me."),
        ("laboratori", "Vorrei iscrivere mia figlia di 7 anni al laboratorio di ceramica, c'è ancora posto?"),
        ("eventi", "Mi segnate alla serata sul cyberbullismo? Ci saranno le slide del relatore?"),
        ("rete", "Si trasmette il verbale del tavolo di rete e si propone una convenzione con il nostro istituto."),
        ("sperimentazione", "La rendicontazione dei fondi regionali del bando scade il 30: manca la scheda."),
        ("reclamo", "È la terza mail che scrivo e nessuno mi ha mai risposto, è una vergogna."),
        ("altro_servizio", "A che punto è la mia domanda di bonus nido? Serve l'ISEE nuovo?"),
        ("non_pertinente", "Sconto del 30% su tutto il catalogo! Clicca qui. Annulla l'iscrizione alla newsletter."),
    ],
)
def test_plain_messages_get_their_topic(classifier: Classifier, topic: str, text: str) -> None:
    assert classifier.classify([letter(text)])[0].topic == topic


def test_the_place_asked_for_is_found(classifier: Classifier) -> None:
    answer = classifier.classify([letter("Abitiamo a Roncoferraro e cerchiamo un corso per genitori")])[0]
    assert max(answer.comune_scores, key=lambda name: answer.comune_scores[name]) == "Roncoferraro"


@pytest.mark.parametrize(
    "fields",
    [
        (("List-Unsubscribe", "<mailto:via@example.org>"),),
        (("List-Id", "<genitori.example>"), ("Precedence", "list")),
        (("Auto-Submitted", "auto-replied"),),
    ],
)
def test_a_few_words_of_a_person_under_a_machines_header_fields_are_said_to_be(
    classifier: Classifier, fields: tuple[tuple[str, str], ...]
) -> None:
    """Lists and ticket systems carry people's words: "help please" is not filed unseen."""

    def told(text: str) -> list[str]:
        return [one.code for one in classifier.classify([letter(text, *fields)])[0].reasons]

    for text in ("help please", "Mi potete richiamare? grazie", "salve avrei bisogno di voi", "ciao"):
        assert "poche_parole" in told(text), text
    for text in (
        "Sono assente fino al 30 novembre.",
        "Novità di dicembre: sconti su tutto il catalogo, spedizione gratuita e resi entro trenta giorni per tutti.",
    ):
        assert "poche_parole" not in told(text), text


def test_receipts_are_not_for_us_whatever_they_quote(classifier: Classifier) -> None:
    report = letter(
        "Impossibile recapitare: iscrizione al laboratorio di argilla, mio marito mi picchia",
        content_type="multipart/report",
        content_type_params={"report-type": "delivery-status"},
    )
    answer = classifier.classify([report])[0]
    assert (answer.topic, answer.automatic, answer.automatic_proved) == ("non_pertinente", True, True)
    assert (answer.urgent, answer.alert) == (False, False)


def test_danger_in_what_only_looks_like_a_machines_is_still_raised(classifier: Classifier) -> None:
    answer = classifier.classify([letter("Mio marito mi picchia, aiutatemi", subject="Risposta automatica: orari")])[0]
    assert (answer.automatic, answer.automatic_proved, answer.urgent) == (True, False, True)


@pytest.mark.parametrize("thanks", ["Grazie.", "Grazie mille!", "È la prima volta che scrivo."])
def test_thanks_do_not_make_one_comune_of_a_prefix(classifier: Classifier, thanks: str) -> None:
    """Grazie and Volta are places too; 0376 is the prefix of fifty comuni (guide, section 1)."""
    text = f"Buongiorno, vorrei sapere gli orari dello sportello per le famiglie. {thanks}"
    [said] = classifier.classify([letter(text, signature="Marta Poli\ntel. 0376 256789")])
    assert max(said.comune_scores.values()) < 0.3


@pytest.mark.parametrize("field", [("List-Id", "<genitori.example>"), ("Precedence", "bulk")])
def test_open_danger_in_a_lists_mail_is_read_today(classifier: Classifier, field: tuple[str, str]) -> None:
    """Group mailboxes put such fields on people's words."""
    text = "Abito a Crema, mio marito mi picchia davanti ai bambini e non so cosa fare."
    [said] = classifier.classify([letter(text, field)])
    assert (said.automatic_proved, said.urgent) == (True, True)


def test_danger_that_a_lists_letter_tells_of_is_not_ruled_out(classifier: Classifier) -> None:
    """Whose words show a machine calls nobody; a person reads it all the same."""
    text = "Ti scrive chi ci ha chiesto aiuto: mio marito mi picchia. Dona ora. Per cancellare l'iscrizione clicca qui."
    [said] = classifier.classify([letter(text, ("List-Id", "<novita.example>"))])
    assert (said.automatic_proved, said.urgent) == (True, False)
    assert "pericolo_non_escluso" in {reason.code for reason in said.reasons}


@pytest.mark.parametrize(
    "field",
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Generated", "yes"),
        ("List-Id", "<genitori.example>"),
        ("List-Unsubscribe", "<mailto:via@example.org>"),
        ("Precedence", "bulk"),
    ],
)
def test_no_header_field_hides_danger(classifier: Classifier, field: tuple[str, str]) -> None:
    """A person's words may carry any of them: whoever is in danger is read, neither forwarded nor filed unseen."""
    text = "ho paura per mia figlia di 14 anni, dice che si vuole ammazzare. Abitiamo a Crema"
    [said] = classifier.classify([letter(text, field)])
    assert said.urgent or "pericolo_non_escluso" in {reason.code for reason in said.reasons}


def test_a_lone_null_reverse_path_proves_no_machine(classifier: Classifier) -> None:
    """A server that lost a family's return path must not make its letter vanish."""
    text = "Abitiamo a Crema, mio figlio non dorme, avete un gruppo per genitori?"
    lost, absent = classifier.classify(
        [
            letter(text, reverse_path=""),
            letter("Sono assente fino al 7 gennaio.", subject="Fuori ufficio", reverse_path=""),
        ]
    )
    assert (lost.automatic, lost.automatic_proved) == (True, False)
    assert lost.topic != "non_pertinente"
    assert absent.automatic_proved


@pytest.mark.parametrize(
    "text",
    [
        "Mój mąż bije mnie i dzieci. Boję się o życie. Mieszkam w Cremie, proszę o pomoc.",
        "Kocam beni ve çocukları dövüyor, çok korkuyorum. Merhaba, yardım istiyorum lütfen.",
        "Ο άντρας μου με χτυπάει και φοβάμαι για τα παιδιά.",
    ],
)
def test_what_nobody_here_can_read_is_no_advertising_and_may_be_danger(classifier: Classifier, text: str) -> None:
    [said] = classifier.classify([letter(text)])
    assert "lingua_non_letta" in {reason.code for reason in said.reasons}
    assert said.topic != "non_pertinente"


@pytest.mark.parametrize(
    "text",
    [
        "Buongiorno, abito a Castel Goffredo. Kocam beni ve çocukları dövüyor, çok korkuyorum. Grazie",
        "Buongiorno. Mój mąż bije mnie i dzieci, boję się o życie. Abito a Viadana, grazie mille",
        "Buongiorno, abitiamo a Crema e vorrei sapere gli orari. ባለቤቴ ይደበድበኛል ልጆቹ ይፈራሉ። Grazie",
        "Abito a Viadana. زوجي يضربني أنا والأطفال كل يوم وأنا خائفة جدا",
        "મારો પતિ મને મારે છે, મને ડર લાગે છે. Viadana",
        "Good morning, I live in Crema. Férjem ver engem és a gyerekeket, nagyon félek tőle. Thank you",
        "Abito a Viadana. Chcę umrzeć.",
        "Abitiamo a Crema, grazie. 死にたい",
        "KOCAM BENİ HER GÜN DÖVÜYOR. ABITO A VIADANA.",
    ],
)
def test_a_part_that_nobody_here_can_read_may_hold_danger(classifier: Classifier, text: str) -> None:
    """A greeting and a place in Italian, and what matters in one's own language."""
    [said] = classifier.classify([letter(text)])
    assert hides_danger(said) or said.urgent


@pytest.mark.parametrize(
    "cry",
    [
        "Mein Sohn schlägt die Mutter jede Nacht mit dem Stock",
        "Ich Habe Angst Vor Meinem Vater",
        "Mój Ojciec Bije Mamę Pasem Przy Gościach",
        "Babam Bizi Her Akşam Dövüyor",
        "Min man slår barnen varje dag",
        "O meu marido bate nas crianças",
        "Mijn vader slaat ons iedere dag",
        "m i  m e n a  o g n i  g i o r n o",
        "a-i-u-t-o-m-i-m-e-n-a",
    ],
)
def test_capitals_and_spelling_out_do_not_hide_what_nobody_reads(classifier: Classifier, cry: str) -> None:
    """Germans write nouns large, a headline every word; the model has met some words of languages it cannot read."""
    [said] = classifier.classify([letter(f"{PLAIN}. {cry}. A presto")])
    assert "parte_non_letta" in {reason.code for reason in said.reasons}


PLAIN = "Buongiorno, abito a Viadana e vorrei sapere gli orari del laboratorio di lettura. Grazie"


@pytest.mark.parametrize(
    ("subject", "signature"),
    [
        ("Kocam beni her gece dövüyor", ""),
        ("info", "Anna Esempio\nMio marito mi picchia ogni notte, aiutatemi"),
        ("info", "Anna Esempio\nMąż mnie bije i grozi nożem"),
    ],
)
def test_danger_above_or_below_the_text_is_seen(classifier: Classifier, subject: str, signature: str) -> None:
    said, plain = classifier.classify(
        [letter(PLAIN, subject=subject, signature=signature), letter(PLAIN, subject="info", signature="Anna Esempio")]
    )
    assert hides_danger(said)
    assert not hides_danger(plain)


def test_what_nobody_reads_is_not_filed_with_a_machines_mail(classifier: Classifier) -> None:
    field = ("Auto-Submitted", "auto-replied")
    absence = "Sono fuori ufficio, rientro lunedì 7 gennaio."
    said, plain = classifier.classify(
        [letter(f"{absence} Mąż mnie bije i grozi, że zabije dzieci.", field), letter(absence, field)]
    )
    found = ["parte_non_letta" in {reason.code for reason in one.reasons} for one in (said, plain)]
    assert found == [True, False]
    assert hides_danger(said)


def test_a_text_longer_than_what_is_read_waits(classifier: Classifier) -> None:
    said, plain = classifier.classify([letter(f"{PLAIN}\n" * 150), letter(f"{PLAIN}\n" * 20)])
    assert "letto_in_parte" in {reason.code for reason in said.reasons}
    assert hides_danger(said)
    assert "letto_in_parte" not in {reason.code for reason in plain.reasons}


def test_what_stands_far_below_the_name_waits_too(classifier: Classifier) -> None:
    (said,) = classifier.classify([letter(PLAIN, signature=f"{PLAIN}\n" * 150)])
    assert "letto_in_parte" in {reason.code for reason in said.reasons}


def test_a_letter_whose_markup_says_something_else_waits(classifier: Classifier) -> None:
    differs = (Defect("alternatives_differ", "1"),)
    said, machine = classifier.classify(
        [letter(PLAIN, defects=differs), letter(PLAIN, ("List-Id", "<novita.example>"), defects=differs)]
    )
    assert "grafica_diversa" in {reason.code for reason in said.reasons}
    assert hides_danger(said)
    assert "grafica_diversa" not in {reason.code for reason in machine.reasons}


@pytest.mark.parametrize(
    "text",
    [
        "Siamo la famiglia di Yassine El Idrissi e Salma Ouazzani Benjelloun: c'è posto al corso di nuoto a Suzzara?",
        "Buongiorno, abito a Viadana e vorrei sapere quando riapre il laboratorio di lettura del sabato.",
        "Ciao! Siamo Gurpreet Singh e Manpreet Kaur, abitiamo a Suzzara: c'è posto al corso di nuoto per Harjot?",
        "orari segreteria crema??",
        "Ci presenta Ngozi Chukwuemeka Okonkwo, mediatrice? Vorremmo un posto al laboratorio di lettura del sabato.",
        "Gentile Centro per le Famiglie, la Cooperativa Sociale Nuovi Orizzonti chiede la Sala Civica per martedì.",
        "Buongiorno, sono Herr Bauer, mia moglie è la signora Frida: a Viadana c'è posto al corso di nuoto?",
        "Hello, we live in Mantova. Is there a group for parents of small children on Saturday morning?",
    ],
)
def test_names_and_haste_are_no_unread_part(classifier: Classifier, text: str) -> None:
    [said] = classifier.classify([letter(text)])
    assert "parte_non_letta" not in {reason.code for reason in said.reasons}


def test_a_name_that_no_list_holds_is_told_where_only_a_school_is_known(classifier: Classifier) -> None:
    doubtful, plain, known = classifier.classify(
        [
            letter("La corriera da Bredazze è lenta, il grande fa le medie ad Asola. Ci sono laboratori?"),
            letter("Il grande fa le medie ad Asola, a Natale finisce il corso. Ci sono laboratori?"),
            letter("Abitiamo ad Asola, andiamo spesso a Bredazze. Ci sono laboratori?"),
        ]
    )
    told = ["nome_sconosciuto" in {reason.code for reason in one.reasons} for one in (doubtful, plain, known)]
    assert told == [True, False, False]


@pytest.mark.parametrize("ask", ["Quando riparte il laboratorio di lettura?", "Mio figlio non dorme, mi aiutate?"])
def test_a_prefix_that_decides_does_so_whatever_is_asked(classifier: Classifier, ask: str) -> None:
    [said] = classifier.classify([letter(ask, signature="Elena Sali\ntel. 0386 256789")])
    assert math.fsum(said.comune_scores.values()) > 0.9


def test_an_answer_does_not_depend_on_the_batch(classifier: Classifier) -> None:
    letters = [letter("Che orari fate a Ostiglia?"), letter("Mio marito mi picchia"), letter("")]
    together = classifier.classify(letters)
    assert together == [classifier.classify([one])[0] for one in letters]
    assert together == classifier.classify(letters)
    assert classifier.classify([]) == []


def test_places_do_not_change_the_topic(classifier: Classifier) -> None:
    """The topic model sees places masked (design, decision 6)."""
    first, second = classifier.classify(
        [letter(f"Abitiamo a {place}, che orari fate per le famiglie?") for place in ("Ostiglia", "Viadana")]
    )
    assert first.topic_scores == second.topic_scores


def test_reasons_point_into_the_text_and_copy_no_words(classifier: Classifier) -> None:
    text = "Vorrei iscrivere mia figlia al laboratorio di ceramica, zampirone!"
    answer = classifier.classify([letter(text, subject="ceramica")])[0]
    words = [reason for reason in answer.reasons if reason.code == "argomento_parole"]
    assert words
    for reason in words:
        field = {"subject": "ceramica", "text": text}[str(reason.params["where"])]
        assert 0 <= int(reason.params["start"]) < int(reason.params["end"]) <= len(field)
    assert "ceramica" not in repr(answer.reasons)
    assert "zampirone" not in repr(answer.reasons)


def test_every_reason_has_its_italian_sentence(classifier: Classifier) -> None:
    letters = [
        letter("Abito a Goito, mio marito mi picchia adesso, CAP 46044", ("X-Ricevuta", "accettazione")),
        letter("Buongiorno", ("Auto-Submitted", "auto-generated"), ("List-Id", "<a.example.org>"), reverse_path=""),
        letter("Nome: Ada\nE-mail: a@example.org\nMessaggio: orari?", ("Precedence", "bulk")),
    ]
    for answer in classifier.classify(letters):
        for reason in answer.reasons:
            assert reason.code in known_codes()
            sentence = explain(reason)
            assert sentence.endswith(".")
            assert not set(sentence) & set("{}")


TEXT = st.text(max_size=400)
WORDS = st.text(st.sampled_from(string.ascii_letters + " àèìòù'\n.,?!\"0123456789@:/ਮਾ打مкч\u0000\ud800"), max_size=400)
FIELD = st.tuples(
    st.sampled_from(["Auto-Submitted", "Precedence", "List-Id", "X-Ricevuta", "X-Trasporto", "Content-Type", "X", ""]),
    TEXT,
)


@st.composite
def any_message(draw: st.DrawFn) -> InboundMessage:
    changes: dict[str, Any] = {
        "quoted_text": draw(WORDS),
        "signature": draw(WORDS),
        "is_forward": draw(st.booleans()),
        "reverse_path": draw(st.none() | TEXT),
        "author": Address(draw(TEXT), draw(TEXT)),
        "content_type": draw(st.sampled_from(["text/plain", "multipart/report", "TEXT/CALENDAR", ""])),
        "content_type_params": draw(st.dictionaries(st.sampled_from(["method", "report-type"]), TEXT)),
        "attachments": draw(st.just(()) | st.just((Attachment("a", "text/calendar", 1),))),
    }
    return letter(draw(WORDS | TEXT), *draw(st.lists(FIELD, max_size=4)), subject=draw(WORDS), **changes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages=st.lists(any_message(), min_size=1, max_size=3))
def test_classifying_never_raises_and_probabilities_hold(
    messages: list[InboundMessage], classifier: Classifier
) -> None:
    for answer in classifier.classify(messages):
        assert set(answer.topic_scores) == set(TOPICS)
        assert math.isclose(sum(answer.topic_scores.values()), 1.0, abs_tol=1e-4)
        assert math.isclose(sum(answer.comune_scores.values()) + answer.outside + answer.unstated, 1.0, abs_tol=1e-4)
        assert answer.topic == max(answer.topic_scores, key=lambda topic: answer.topic_scores[topic])
        assert answer.urgent or not answer.alert
        assert answer.automatic or not answer.automatic_proved
        assert all(explain(reason) for reason in answer.reasons)


@pytest.mark.parametrize("text", ["a" * 300_000, "mi " * 100_000, "(" * 200_000, '"' * 100_000, "\n" * 100_000])
def test_very_long_messages_take_no_long_time(classifier: Classifier, text: str) -> None:
    assert len(classifier.classify([letter(text, subject=text)])) == 1
