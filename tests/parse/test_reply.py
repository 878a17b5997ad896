"""What counts as written now, as quoted, as signature: the forms that mail programs write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.parse.reply import SplitText, split_reply

ATTRIBUTIONS = [
    "Il giorno dom 3 mag 2026 alle ore 10:22 Anna Rossi <anna@example.org> ha scritto:",
    "Il giorno dom 3 mag 2026 alle ore 10:22 Anna Rossi\n<anna.rossi@example.org> ha scritto:",
    "Il giorno 3 mag 2026, alle ore 10:22, Anna Rossi <anna@example.org> ha scritto:",
    "Il 3/5/2026 10:22, Anna Rossi ha scritto:",
    "Il 03/05/26 10:22, Anna ha scritto:",
    "Il 03.05.2026 10:22 Anna Rossi ha scritto:",
    'Il 3 maggio 2026 alle 10.22 "Anna Rossi" <anna@example.org> ha scritto:',
    "Il domenica 3 maggio 2026 alle ore 10:22:33 CEST, Anna Rossi ha scritto:",
    "In data 3 maggio 2026 10:22:33 CEST, Anna Rossi <anna@example.org> ha scritto:",
    "Anna Rossi <anna@example.org> ha scritto:",
    "On Sun, May 3, 2026 at 10:22 AM Anna Rossi <anna@example.org> wrote:",
    "On 3 May 2026, at 10:22, Anna Rossi <anna@example.org> wrote:",
    "On 03/05/2026 10:22, Anna wrote:",
    "Am 03.05.2026 um 10:22 schrieb Anna Rossi <anna@example.org>:",
    "Le dim. 3 mai 2026 à 10:22, Anna Rossi <anna@example.org> a écrit :",
    "El dom, 3 may 2026 a las 10:22, Anna Rossi (<anna@example.org>) escribió:",
    "Pe dum., 3 mai 2026 la 10:22, Anna Rossi <anna@example.org> a scris:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_text_above_marked_quotation(attribution: str) -> None:
    text = f"Sì, vengo.\n\n{attribution}\n\n> Viene sabato?\n> Saluti"
    assert split_reply(text, "Re: x") == SplitText("Sì, vengo.", f"{attribution}\n> Viene sabato?\n> Saluti", "", False)


OLD = "Viene sabato?\n\nSaluti"
MARKED = "> Viene sabato?\n>\n> Saluti"
PHONES = {
    "Yahoo, Android": "Inviato da Yahoo Mail su Android \n \n"
    "  Il dom, 3 mag 2026 alle 9:12, Anna Rossi<a@example.org> ha scritto:   " + OLD,
    "Yahoo, Android, English": "Sent from Yahoo Mail on Android \n \n"
    "  On Sun, May 3, 2026 at 9:12, Anna Rossi<a@example.org> wrote:   " + OLD,
    "Yahoo, Android, folded": "Il dom, 3 mag 2026 alle 9:12, Anna\nRossi<a@example.org> ha scritto:   " + OLD,
    "AOL, Android": "Sent from AOL on Android \n \n  On Sun, May 3, 2026 at 9:12, A<a@example.org> wrote:   " + OLD,
    "Yahoo, iPhone": "Il domenica, maggio 3, 2026, 9:12 AM, Anna <a@example.org> ha scritto:\n\n" + OLD,
    "iPhone": "Inviato da iPhone\n\n> Il giorno 3/mag/2026, alle ore 09:12, Anna <a@example.org> ha scritto:\n> \n"
    + MARKED,
    "iPhone, English": "Sent from my iPhone\n\n> On 3 May 2026, at 09:12, Anna <a@example.org> wrote:\n> \n" + MARKED,
    "Gmail, Android": "Il dom 3 mag 2026, 09:12 Anna Rossi <a@example.org> ha scritto:\n\n" + MARKED,
    "Outlook, Android": "Scarica Outlook per Android\n________________________________\nDa: Anna <a@example.org>\n"
    "Inviato: domenica 3 maggio 2026 09:12:33\nA: Sportello\nOggetto: x\n\n" + OLD,
    "Samsung": "-------- Messaggio originale --------\nDa: Anna <a@example.org> \nData: 03/05/26 09:12 (GMT+01:00)\n"
    "A: Sportello \nOggetto: x \n\n" + OLD,
    "Huawei": "-------- Messaggio originale --------\nOggetto: x\nDa: Anna\nA: Sportello\nCC: \n\n\n" + OLD,
    "Spark": "Il 3 mag 2026, 09:12 +0200, Anna <a@example.org>, ha scritto:\n" + MARKED,
    "BlueMail": "Il giorno 3 Mag 2026, 09:12, alle ore 09:12, Anna <a@example.org> ha scritto:\n" + OLD,
    "BlueMail, English": "Get BlueMail for Android \nOn May 3, 2026, at 09:12, Anna <a@example.org> wrote:\n" + MARKED,
    "FairEmail": "3 maggio 2026 09:12:33 Anna <a@example.org>:\n\n" + MARKED,
    "FairEmail, English": "May 3, 2026 9:12:33 AM Anna <a@example.org>:\n\n" + MARKED,
    "Tuta": "3 mag 2026, 09:12 da a@example.org:\n\n" + MARKED,
    "Tuta, English": "May 3, 2026, 09:12 by a@example.org:\n\n" + MARKED,
    "Mail.ru": "Sunday, May 3, 2026 9:12 AM +02:00 from Anna <a@example.org>:\n\n" + MARKED,
    "Xiaomi": "Anna <a@example.org> ha scritto il 3 mag 2026 alle 09:12:\n" + MARKED,
    "Proton": "-------- Messaggio originale --------\nIl 03/05/26 09:12, Anna  ha scritto:\n\n" + MARKED,
    "K-9": "Il 3 maggio 2026 09:12:00 CEST, Anna <a@example.org> ha scritto:\n" + MARKED,
    "Libero": "Inviato da Libero Mail per Android\n\nIl 3 maggio 2026 alle 09:12 A <a@example.org> ha scritto:\n\n"
    + OLD,
}


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("phone", PHONES)
def test_what_mail_programs_of_phones_quote_is_not_new(phone: str, threaded: bool) -> None:
    found = split_reply(f"Sì, vengo.\n\n{PHONES[phone]}", "Re: x" if threaded else "x", threaded)
    assert (found.new, found.is_forward) == ("Sì, vengo.", False)
    assert "Viene sabato?" in found.quoted
    assert "Viene sabato?" not in found.signature


BLOCKS = [
    "Da: Anna Rossi <anna@example.org>\nInviato: domenica 3 maggio 2026 10:22\nA: Sportello\nOggetto: x",
    "Da: Anna Rossi\nInviato: domenica 3 maggio 2026 10:22\nA: Sportello\nCc: Ugo; Pia;\n  Lia\nOggetto: x",
    "*Da:* Anna Rossi\n*Inviato:* domenica 3 maggio 2026 10:22\n*A:* Sportello\n*Oggetto:* x",
    "Da: Anna\nOggetto: x\nData: 3 maggio 2026 10:22:00 CEST\nA: Sportello",
    "From: Anna\nSent: Sunday, May 3, 2026 10:22 AM\nTo: Sportello\nSubject: x",
    "________________________________\nFrom: Anna\nSent: Sunday, May 3, 2026 10:22 AM\nTo: Sportello\nSubject: x",
    "-----Messaggio originale-----\nDa: Anna\nInviato: domenica 3 maggio 2026 10:22\nA: Sportello\nOggetto: x",
    "----Messaggio originale----\nDa: anna@example.org\nData: 3-mag-2026 10.22\nA: sportello@example.com\nOgg: x",
    "-----Original Message-----\nFrom: Anna\nSent: Sunday, May 3, 2026 10:22 AM",
    "-------- Messaggio originale --------",
    "Il giorno dom 3 mag 2026 alle ore 10:22 Anna Rossi <anna@example.org> ha scritto:",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_text_above_unmarked_quotation(block: str) -> None:
    old = "Viene sabato?\n\nSaluti"
    assert split_reply(f"Sì, vengo.\n\n{block}\n\n{old}", "R: x") == SplitText(
        "Sì, vengo.", f"{block}\n\n{old}", "", False
    )


STORIES = [
    "Il 3 maggio 2026 alle 10:22 la maestra mi ha scritto:\n«suo figlio morde».\nChe faccio?",
    "Il giorno 3 maggio la maestra ha scritto:\n«suo figlio morde».\nChe faccio?",
    "Il medico ha scritto:\nriposo.\nVa bene?",
    "Il 3 maggio 2026 alle 10:22 la maestra <maestra@example.org> mi ha scritto: venite.\nChe faccio?",
    "Il 3 maggio la maestra ha scritto: venite alle 10:22.\nChe faccio?",
    "Appuntamento del 3 maggio 2026 alle 10:22, confermato da anna@example.org:\nporto i documenti?",
    "Chiedo a Anna <anna@example.org>:\n> orari",
    "Mio marito scrive:\n«torno tardi».",
    "Nuova richiesta dal sito\nNome: Anna\nDa: anna@example.org\nData: 3/5/2026\nOggetto: orari\nMessaggio: Crema?",
    "Da: Comune di Prova\nA: Sportello\nSi chiede la convocazione del tavolo.",
    "La temperatura è > 38 da ieri.",
    "Cosa chiedo:\n> orari\n> costi",
    "Nome: Anna Rossi\nInviato da: 192.0.2.14",
    "Buongiorno.\n\nAbito a Viadana\ntel. 0375 000 000",
    "Buongiorno.\n\nPiazza Garibaldi 1\nSuzzara, vicino alla scuola di via Roma.",
    "Servizi che chiedo:\n\nSpazio Gioco\nLaboratorio di via Roma, sabato mattina, per due bambini piccoli",
    "Ai sensi del GDPR chiedo copia dei miei dati, con riferimento alla pratica 12 del vostro archivio.",
    "Distinti saluti, e ancora una cosa\nquando aprite a Crema?",
    "Cordiali saluti\nP.S. abito a Viadana",
    "Saluti\nMi sono accorta adesso che ho dimenticato di dirvi che abitiamo a Viadana.",
    "ci vediamo -- spero -- sabato",
    ">From qui in poi si paga, dice il cartello.",
    "Vi ha inviato da casa mia sorella il modulo che aspettavate per la iscrizione di Giulia al gruppo, con il resto?",
]


@pytest.mark.parametrize("text", STORIES)
def test_what_people_tell_is_not_cut(text: str) -> None:
    assert split_reply(text, "x") == SplitText(text, "", "", False)


FORWARDS = [
    ("I: richiesta", "Buongiorno,\n\n" + BLOCKS[0] + "\n\nAbito a Viadana."),
    ("Fwd: richiesta", "---------- Forwarded message ---------\nDa: Anna\nSubject: x\n\nAbito a Viadana."),
    ("FW: R: richiesta", BLOCKS[4] + "\n\nAbito a Viadana."),
    ("richiesta", "---------- Messaggio inoltrato ----------\nDa: Anna\nOggetto: x\n\nAbito a Viadana."),
    ("richiesta", "-------- Messaggio Inoltrato --------\nOggetto: x\nDa: Anna\n\nAbito a Viadana."),
    ("R: richiesta", "Vi giro questa mail arrivata a noi.\n\n" + BLOCKS[0] + "\n\nAbito a Viadana."),
    ("richiesta", "Inoltro per competenza.\n\n" + BLOCKS[6] + "\n\nAbito a Viadana."),
    ("Inoltra: richiesta", "Inizio messaggio inoltrato:\n\nDa: Anna\nOggetto: x\n\nAbito a Viadana."),
]


@pytest.mark.parametrize(("subject", "text"), FORWARDS)
def test_a_forward_is_content(subject: str, text: str) -> None:
    assert split_reply(text, subject) == SplitText(text, "", "", True)


def test_a_forward_loses_its_quotation_marks_and_the_forwarders_signature() -> None:
    text = "Per voi\n-- \nUfficio\n\nInizio messaggio inoltrato:\n\n> Da: Anna\n>\n> Abito a Viadana.\n>> prima"
    assert split_reply(text, "x") == SplitText(
        "Per voi\n\nInizio messaggio inoltrato:\n\nDa: Anna\n\nAbito a Viadana.\n> prima",
        "",
        "--\nUfficio",
        True,
    )


@pytest.mark.parametrize(
    "subject", ["R: I: richiesta", "Re: Fwd: richiesta", "Informazioni: orari", "ieri", "Interno: x"]
)
def test_the_reply_to_a_forward_is_no_forward(subject: str) -> None:
    assert split_reply("Grazie.\n\n" + BLOCKS[0] + "\n\nvecchio", subject).new == "Grazie."


def test_answers_between_and_under_marked_quotation() -> None:
    text = "> Dove abita?\nA Viadana.\n> Quanti anni ha?\nSei.\n\n-- \nAnna"
    assert split_reply(text, "Re: x") == SplitText(
        "A Viadana.\nSei.", "> Dove abita?\n> Quanti anni ha?", "--\nAnna", False
    )


def test_answers_announced_inside_unmarked_quotation_are_kept() -> None:
    text = "Rispondo sotto in rosso.\n\n" + BLOCKS[0] + "\n\nDove abita? A Viadana."
    assert split_reply(text, "R: x") == SplitText(text, "", "", False)


@pytest.mark.parametrize(
    "text",
    [
        "> solo\n> citato",
        "> solo\nuno",
        "-- \nAnna",
        "Inviato da iPhone",
        BLOCKS[0] + "\n\nsolo vecchio",
        "Cordiali saluti\nAnna",
    ],
)
def test_text_is_never_judged_empty(text: str) -> None:
    assert split_reply(text, "R: x").new


SIGNATURES = [
    ("Vengo.\n-- \nAnna\nvia Roma 1", "Vengo.", "--\nAnna\nvia Roma 1"),
    ("Vengo.\n\nInviato da iPhone", "Vengo.", "Inviato da iPhone"),
    ("Vengo.\nInviato dal mio dispositivo Samsung", "Vengo.", "Inviato dal mio dispositivo Samsung"),
    ("Vengo.\nOttieni Outlook per iOS<https://aka.ms/x>", "Vengo.", "Ottieni Outlook per iOS<https://aka.ms/x>"),
    ("I come.\nSent from my iPhone", "I come.", "Sent from my iPhone"),
    ("Vengo.\n\nGeom. Ugo Neri\nTel/Fax 0372 000 31", "Vengo.", "Geom. Ugo Neri\nTel/Fax 0372 000 31"),
    ("Vengo.\n\nDea Neri\nvia Roma 8\n46028 (MN)", "Vengo.", "Dea Neri\nvia Roma 8\n46028 (MN)"),
    ("Vengo.\n\nCordiali saluti\nAnna Rossi", "Vengo.\n\nCordiali saluti", "Anna Rossi"),
    (
        "Vengo.\nIn attesa di riscontro porgo distinti saluti.\n\n"
        "dott. Ugo Neri\nvia Roma 1, 46019 Viadana (MN)\ntel. 0375 000",
        "Vengo.\nIn attesa di riscontro porgo distinti saluti.",
        "dott. Ugo Neri\nvia Roma 1, 46019 Viadana (MN)\ntel. 0375 000",
    ),
    (
        "Vengo.\n\nQuesto messaggio è riservato; se lo avete ricevuto per errore, distruggetelo e avvisate.",
        "Vengo.",
        "Questo messaggio è riservato; se lo avete ricevuto per errore, distruggetelo e avvisate.",
    ),
    (
        "I come.\nBest regards,\nAnna\n\n"
        "This e-mail and any attachments are confidential and intended for the addressee only.",
        "I come.\nBest regards,",
        "Anna\n\nThis e-mail and any attachments are confidential and intended for the addressee only.",
    ),
]


@pytest.mark.parametrize(("text", "new", "signature"), SIGNATURES)
def test_signature_is_cut_and_the_closing_stays(text: str, new: str, signature: str) -> None:
    assert split_reply(text, "x") == SplitText(new, "", signature, False)


LINES = st.sampled_from([*"\n".join([*ATTRIBUTIONS, *BLOCKS, *STORIES]).split("\n"), "> a", ">> b", "", "-- ", "ciao"])


@given(st.lists(LINES, max_size=25), st.sampled_from(["", "R: x", "I: x"]))
def test_no_line_is_lost_or_doubled(lines: list[str], subject: str) -> None:
    """Every word is in one of the three parts, once; only quotation marks and blank lines go."""
    split = split_reply("\n".join(lines), subject)
    parts = "\n".join([split.new, split.quoted, split.signature]).split("\n")
    assert sorted(line.strip("> ") for line in parts if line.strip("> ")) == sorted(
        line.strip("> ") for line in lines if line.strip("> ")
    )
    assert split.new or not "".join(lines).strip()
