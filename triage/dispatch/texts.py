"""The Italian (and easy English) sentences that leave. Plain words; no promise; the same for everybody.

"Smistamento" is the public word for what we do. Emergency numbers stand in every acknowledgement
under a line that says so: nobody who reads over a shoulder learns anything from them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

MONTHS = (
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split()  # noqa: SIM905
)

TOPIC_NAMES = {
    "orientamento": "informazioni e orientamento",
    "genitorialita": "sostegno ai genitori",
    "ascolto": "ascolto e colloqui",
    "laboratori": "laboratori e attività",
    "eventi": "incontri ed eventi",
    "rete": "lavoro di rete tra enti",
    "sperimentazione": "sperimentazione",
    "reclamo": "segnalazione",
    "altro_servizio": "altro servizio",
    "non_pertinente": "altro",
}

# Facts: the territory folder's list of help numbers, section 5 (those marked "sure").
EMERGENCY = """\
Questa casella non è un servizio di emergenza.
Questo elenco è uguale per tutti:
  112            emergenze (polizia, vigili del fuoco, ambulanza)
  114            bambini e ragazzi in pericolo
  1522           violenza e stalking contro le donne
  19696          Telefono Azzurro, ascolto per bambini e ragazzi
  116000         bambini scomparsi
  116117         cure mediche non urgenti"""

EMERGENCY_ENGLISH = """\
This mailbox is not an emergency service.
This list is the same for everybody:
  112            emergencies (police, fire, ambulance)
  114            children and teenagers in danger
  1522           violence against women and stalking
  19696          Telefono Azzurro, listening for children and teenagers
  116000         missing children
  116117         medical care that is not urgent"""


def italian_date(moment: datetime) -> str:
    """A local date and time as Italians write it."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, ore {moment:%H.%M}"


def readable_size(octets: int) -> str:
    """A size that people understand."""
    if octets < 1024:
        return f"{octets} byte"
    return f"{octets / 1024:.0f} kB" if octets < 1024 * 1024 else f"{octets / 1024 / 1024:.1f} MB".replace(".", ",")


def forward_text(
    *,
    author: str,
    reply_to: str,
    code: str,
    back_link: str,
    service_address: str,
    place: str,
    topic: str,
    received_at: datetime,
    attachments: Sequence[tuple[str, int]],
    written: str,
    certified: Sequence[tuple[str, str]] = (),
    beside: Collection[int] = (),
    whole: bool = True,
    phone: str = "",
    take_link: str = "",
) -> str:
    """The readable part of a forward: who reads a reply, how to hand back, what it is about, the text.

    ``beside`` are the positions of attachments that follow as files of their own. Unless ``whole``,
    the original is too large to be sent, and the text says who has it.
    """
    if reply_to:
        first = f"Se rispondete a questa mail, la risposta arriva direttamente a {author} ({reply_to})."
    else:
        first = "Non è stato possibile leggere l'indirizzo di chi scrive: cercatelo nel messaggio originale allegato."
    lines = [
        first,
        "",
        "Se il messaggio non è per voi, rimandatecelo: aprite il collegamento qui sotto e inviate",
        f"la mail già pronta, oppure scrivete a {service_address} indicando il codice {code}.",
        back_link,
        "",
    ]
    if take_link:
        lines += ["Se ve ne occupate voi, fatecelo sapere con quest'altra mail già pronta:", take_link, ""]
    if place:
        lines.append(f"Luogo:              {place}")
    lines += [
        f"Servizio richiesto: {TOPIC_NAMES.get(topic, topic)}",
        f"Ricevuto da ATS:    {italian_date(received_at)}",
        f"Codice del caso:    {code}",
    ]
    lines += [f"{label + ':':<19} {text}" for label, text in certified]
    lines += _listed(attachments, beside, whole)
    lines += [
        "",
        "------------------------------ Testo del messaggio ------------------------------",
        "",
        written.strip() or "(il messaggio non contiene testo)",
        "",
        "---------------------------------------------------------------------------------",
        *(["Il messaggio originale, completo, è in allegato."] if whole else _too_large(code, service_address, phone)),
    ]
    return "\n".join(lines)


def _listed(attachments: Sequence[tuple[str, int]], beside: Collection[int], whole: bool) -> list[str]:
    if not attachments:
        return []
    if not whole:
        title, mark = "Allegati (non sono in questa mail: vedere in fondo):", ""
    elif beside:
        title, mark = "Allegati:", " - solo dentro il messaggio originale"
    else:
        title, mark = "Allegati (sono nel messaggio originale):", ""
    return [
        title,
        *(
            f"  - {name or 'senza nome'} ({readable_size(size)}){'' if place in beside else mark}"
            for place, (name, size) in enumerate(attachments)
        ),
    ]


def _too_large(code: str, service_address: str, phone: str) -> list[str]:
    return [
        "Il messaggio originale è troppo grande per questa mail: qui ci sono solo il testo e l'elenco degli allegati.",
        "Il messaggio completo è conservato dal personale di ATS. Per averlo scrivete a",
        f"{service_address}{f', o telefonate al numero {phone},' if phone else ''} indicando il codice {code}.",
    ]


def acknowledgement_subject(code: str) -> str:
    """Fixed, whatever was written; RFC 3834 section 3.1.5 allows the first word."""
    return f"Auto: abbiamo ricevuto il suo messaggio ({code})"


def acknowledgement_text(
    *, code: str, agency: str, centre: str, contact: str, phone: str, is_open: bool | None, english: bool
) -> str:
    """What the family gets: where the message went, how to reach people, how to ask for a person.

    ``is_open`` is ``None`` where nobody has said when the offices are open.
    """
    lines = ["Buongiorno,", "", f"abbiamo ricevuto il suo messaggio. Il riferimento è {code}.", ""]
    if centre:
        lines += [f"Lo abbiamo inviato a: {centre}."]
        if contact:
            lines += [f"Può scrivere o telefonare direttamente al centro: {contact}"]
    else:
        lines += [f"Il personale di {agency} lo leggerà per capire quale servizio può rispondere."]
    lines += [
        "",
        "Lo smistamento della posta è automatico: questa mail è stata scritta da un programma.",
        "Se preferisce che del suo messaggio si occupi una persona di ATS, risponda a questa mail"
        + (f" o telefoni al numero {phone}." if phone else "."),
    ]
    if is_open is None:
        lines += ["", "La posta viene letta solo quando gli uffici sono aperti."]
    elif not is_open:
        lines += ["", "In questo momento gli uffici sono chiusi e nessuno sta leggendo la posta."]
    lines += ["", EMERGENCY, "", agency]
    if english:
        lines += ["", "- - - - - - - - - -", "", _english(code, agency, centre, contact, phone, is_open)]
    return "\n".join(lines)


def _english(code: str, agency: str, centre: str, contact: str, phone: str, is_open: bool | None) -> str:
    lines = ["Hello,", "", f"we have received your message. The reference is {code}.", ""]
    if centre:
        lines += [f"We have sent it to: {centre}."]
        if contact:
            lines += [f"You can write to the centre or call it: {contact}"]
    else:
        lines += [f"People at {agency} will read it to find out which service can answer."]
    lines += [
        "",
        "Mail is sorted automatically: this mail was written by a computer program.",
        "If you want a person to take care of your message, answer this mail"
        + (f" or call {phone}." if phone else "."),
    ]
    if is_open is None:
        lines += ["", "Mail is read only while the offices are open."]
    elif not is_open:
        lines += ["", "The offices are closed now and nobody is reading the mail."]
    return "\n".join([*lines, "", EMERGENCY_ENGLISH])


NOTICE_SUBJECT = "Da leggere oggi: un messaggio aspetta"


def notice_text(message_id: int, code: str, received_at: datetime) -> str:
    """For the on-call contact: that there is something, never what."""
    return "\n".join(
        [
            "C'è un messaggio che una persona deve leggere oggi.",
            "",
            f"Messaggio numero {message_id}, codice {code}, ricevuto il {italian_date(received_at)}.",
            "",
            "Per riservatezza questa mail non dice di che cosa si tratta.",
            "Il messaggio si trova nella casella condivisa, tra quelli da decidere.",
        ]
    )
