"""What an answering program's header fields prove is filed unseen only while its words are an absence note's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.classify.letters import letter
from triage.classify import load_classifier
from triage.classify.automatic import judge_automatic
from triage.classify.under_headers import of_a_person
from triage.decide import DecisionContext, decide
from triage.knowledge import known_places
from triage.rules import MailboxRole, load_rules
from triage.vocabulary import Action, Address, Decision, InboundMessage

ROOT = Path(__file__).parents[2]
REPLIED = ("Auto-Submitted", "auto-replied")
OFFICE = Address("", "ufficio@example.org")
NOTE = "Gentile utente, sono assente dall'ufficio fino al 24 agosto. Per urgenze contattare la segreteria."


@pytest.fixture(scope="module")
def decided() -> dict[str, Decision]:
    """Every letter of this file as the shipped model and rules decide it, by its text."""
    rules = load_rules(ROOT / "routing_rules.yaml", known_places())
    context = DecisionContext(next(iter(rules.mailboxes)), MailboxRole.INBOX, None, False, 1, False)
    letters = [answered(text) for text in (*FAREWELLS, *NOTES)] + [
        letter(t, author=OFFICE) for t in (*MACHINES, *PERSONS)
    ]
    found = load_classifier(ROOT / "models" / "model.skops").classify(letters)
    pairs = zip(letters, found, strict=True)
    return {one.new_text: decide(one, found, rules, context, ignore_modes=True) for one, found in pairs}


def answered(text: str) -> InboundMessage:
    return letter(text, REPLIED, subject="Risposta automatica: orari", author=OFFICE)


FAREWELLS = (
    f"{NOTE} Non tornerò più, dite ai bambini che li ho sempre pensati.",
    f"{NOTE} Anzi, non aspettatemi. Ho lasciato una lettera sul tavolo per mia figlia.",
    f"{NOTE} Questa è l'ultima volta che leggete qualcosa di mio. Perdonatemi.",
    "Sono fuori sede e non rientrerò. Abbiate cura di Marta, senza di me starete meglio tutti quanti, ve lo assicuro.",
    f"{NOTE} Non è colpa vostra. Le chiavi sono dalla vicina, ho sistemato tutto.",
    f"{NOTE} Ho smesso di lottare, tolgo il disturbo a chi mi vuole bene.",
    "I am out of the office. I won't be coming back. Tell my children that I did try, every single day of these years.",
    "Il lavandino gocciola da tre giorni e la vicina dice che sente piangere di notte dal bagno, io pure.",
)
NOTES = (
    NOTE,
    "Buongiorno, sono in ferie dal 10 al 21 agosto. Risponderò al mio rientro. Dott. Paolo Neri, Ufficio Protocollo",
    "Thank you for your message. I am out of the office until Monday with limited access to email. Please contact us.",
)
MACHINES = (
    "Attualmente non sono in ufficio. Rientro il 7 gennaio. Per comunicazioni urgenti scrivere a ufficio@example.org",
    "In questo periodo sono in congedo di maternità. Mi sostituisce la collega Anna Verdi, anna@example.org.",
    "La mia casella di posta non è presidiata fino al 2 settembre.",
    "L'ufficio è chiuso per ferie dal 10 al 21 agosto. Le mail saranno lette alla riapertura.",
    "Sarò fuori ufficio fino al 12 maggio.",
    "Il dott. Bianchi non lavora più presso questo ente. Si prega di scrivere a protocollo@example.org.",
    "La tua prenotazione è confermata. Codice prenotazione: AX4471. Presentarsi 15 minuti prima.",
    "Il tuo pacco è in viaggio. Puoi seguire la spedizione con il numero di tracking 1Z999.",
    "Il tuo codice di verifica è 445812. Non condividerlo con nessuno.",
    "Questo indirizzo non è abilitato alla ricezione, pertanto non inviare risposte a questo indirizzo.",
    "Le novità del mese. Per cancellare l'iscrizione clicca qui.",
    "È stato aperto il ticket #4412. Rispondi sopra questa riga per aggiornare la richiesta.",
    "Momentan nu sunt la birou. Voi reveni pe data de 5 mai.",
)
PERSONS = (
    "Sono in ferie fino al 20 agosto e mi prendo questo tempo per scrivervi: mio figlio di 14 anni non esce più.",
    "Vorrei cancellare l'iscrizione di mia figlia al laboratorio di Ostiglia di sabato, ha la febbre.",
    "La mia prenotazione per il laboratorio di Asola è confermata? Non ho ricevuto il codice.",
    "Sono in maternità e mi sento sola, abito a Suzzara. Avete un gruppo per neomamme?",
    "Sono fuori ufficio fino al 12, possiamo sentirci dopo? Abito a Crema e vorrei un colloquio.",
    "Il vostro modulo mi chiede un codice di verifica che non arriva. Volevo iscrivere Luca al laboratorio di Goito.",
    "Sabato saremo assenti al laboratorio di Mantova, Giulia ha la febbre. Si può recuperare?",
)


@pytest.mark.parametrize("text", FAREWELLS)
def test_a_farewell_or_a_strange_answer_under_a_programs_fields_waits_for_a_person(
    text: str, decided: dict[str, Decision]
) -> None:
    assert decided[text].action is Action.HOLD
    assert not decided[text].acknowledge


@pytest.mark.parametrize("text", NOTES)
def test_an_absence_note_is_still_filed(text: str, decided: dict[str, Decision]) -> None:
    assert decided[text].action is Action.FILE


@pytest.mark.parametrize("text", MACHINES)
def test_a_machines_words_without_its_fields_are_known_never_answered_never_filed(
    text: str, decided: dict[str, Decision]
) -> None:
    found = judge_automatic(letter(text, author=OFFICE))
    assert found.automatic
    assert not found.proved
    assert decided[text].action is Action.HOLD
    assert not decided[text].acknowledge


@pytest.mark.parametrize("text", PERSONS)
def test_a_person_who_speaks_of_such_things_is_a_person(text: str, decided: dict[str, Decision]) -> None:
    assert not judge_automatic(letter(text, author=OFFICE)).automatic
    assert decided[text].action is not Action.FILE


@pytest.mark.parametrize("value", ["auto_reply", "auto-reply", "bulk", "junk"])
@pytest.mark.parametrize(
    "text", ["Sono assente. Non cercatemi più, addio.", "Sono in ferie. Dite ai bambini che li amo."]
)
def test_a_farewell_waits_also_where_precedence_alone_proves_the_program(value: str, text: str) -> None:
    message = letter(text, ("Precedence", value), subject="Risposta automatica", author=OFFICE)
    automatic = judge_automatic(message)
    assert automatic.proved
    assert of_a_person(message, automatic) != ()


def test_a_list_may_speak_of_farewells() -> None:
    fields = (("Precedence", "bulk"), ("List-Id", "<novita.example.org>"))
    message = letter(f"Addio, e dite ai bambini che li amo: lo spettacolo. {'Leggi tutto sul sito. ' * 5}", *fields)
    assert of_a_person(message, judge_automatic(message), like_bulk=True) == ()


OFFER = (
    "Buongiorno, sono una falegname in pensione di Castelleone. Ho in garage sei tavolini bassi che avevo fatto per "
    "una scuola materna e che nessuno ha mai ritirato: se servono ai vostri laboratori ve li porto io."
)


UNDER_A_LIST = (
    ("List-Id", "<famiglie.ats.example>"),
    ("List-Post", "<mailto:famiglie@ats.example>"),
    ("Precedence", "list"),
)
BY_PERSONS = (
    "Buonasera, non ricevo più le vostre mail sugli incontri da giugno: sono ancora iscritta? Anna da Ostiglia",
    "Confermo la presenza mia e di mia cognata sabato mattina alle dieci, veniamo con due bambini. Saluti, Rosa",
    "Ho cambiato numero di telefono, quello vecchio non funziona più. Per l'appuntamento chiamatemi a questo.",
)


@pytest.mark.parametrize("text", BY_PERSONS)
@pytest.mark.parametrize("fields", [UNDER_A_LIST, (("List-Unsubscribe", "<https://x.example.org/u>"),)])
def test_a_persons_letter_that_a_group_mailbox_passes_on_waits_for_a_person(
    text: str, fields: tuple[tuple[str, str], ...]
) -> None:
    message = letter(text, *fields, subject="info")
    assert judge_automatic(message).proved
    assert decision_of(message).action is Action.HOLD


def test_a_newsletter_with_a_lists_fields_is_filed() -> None:
    text = (
        "Le offerte di novembre: sconti fino al 40 % su arredi per uffici e scuole, spedizione gratuita. "
        "Scopri il catalogo sul nostro sito. Se non desideri più ricevere queste comunicazioni, cancellati qui."
    )
    assert decision_of(letter(text, *UNDER_A_LIST, subject="Offerte del mese", author=OFFICE)).action is Action.FILE


def decision_of(message: InboundMessage) -> Decision:
    """By the shipped model and rules."""
    rules = load_rules(ROOT / "routing_rules.yaml", known_places())
    context = DecisionContext(next(iter(rules.mailboxes)), MailboxRole.INBOX, None, False, 1, False)
    [found] = load_classifier(ROOT / "models" / "model.skops").classify([message])
    return decide(message, found, rules, context, ignore_modes=True)


def test_what_only_precedence_calls_a_machines_and_no_word_does_waits_for_a_person() -> None:
    """Mail merges and some webmail put Precedence: bulk on one person's letter."""
    message = letter(OFFER, ("Precedence", "bulk"), subject="Tavolini")
    automatic = judge_automatic(message)
    assert automatic.proved
    assert [one.code for one in of_a_person(message, automatic)] == ["parole_di_persona"]
    assert of_a_person(message, automatic, like_bulk=True) == (), "unless the heads see a letter to many in the words"


def test_a_newsletter_that_only_precedence_proves_is_still_filed() -> None:
    message = letter(f"{OFFER} Per cancellare l'iscrizione clicca qui.", ("Precedence", "bulk"), subject="Novità")
    assert of_a_person(message, judge_automatic(message)) == ()


CRY = "Aiutatemi, mio marito mi picchia e ha detto che stanotte ci uccide. Siamo a Soncino, chiusi in bagno, soli."


@pytest.mark.parametrize(
    "fields",
    [
        (REPLIED,),
        (("List-Unsubscribe", "<mailto:via@lista.example>"),),
        (("List-Id", "<famiglie.ats.example>"),),
        (("Precedence", "bulk"),),
        (("X-Autoreply", "yes"),),
    ],
)
def test_a_cry_is_read_today_whatever_fields_stand_above_it(fields: tuple[tuple[str, str], ...]) -> None:
    (found,) = load_classifier(ROOT / "models" / "model.skops").classify([letter(CRY, *fields)])
    assert found.urgent
