"""The Italian sentences of forwards and notices; what families are told stands in files (``text_files``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from triage.articles import with_article

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
    passed_on: str = "",
) -> str:
    """The readable part of a forward: who reads a reply, how to hand back, what it is about, the text.

    ``beside`` are the positions of attachments that follow as files of their own. Unless ``whole``,
    the original is too large to be sent, and the text says who has it. ``passed_on`` names who else has a part in it.
    """
    if reply_to:
        first = f"Se rispondete a questa mail, la risposta arriva direttamente a {author} ({reply_to})."
    else:
        first = "Non è stato possibile leggere l'indirizzo di chi scrive: cercatelo nel messaggio originale allegato."
    lines = [
        first,
        *([passed_on] if passed_on else []),
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


NOTICE_SUBJECT = "Da leggere oggi: un messaggio aspetta"


def notice_text(message_id: int, code: str, received_at: datetime) -> str:
    """For the on-call contact: that there is something, never what."""
    return "\n".join(
        [
            "C'è un messaggio che una persona deve leggere oggi.",
            "",
            f"Messaggio numero {message_id}, codice {code}, ricevuto {with_article('il', italian_date(received_at))}.",
            "",
            "Per riservatezza questa mail non dice di che cosa si tratta.",
            "Il messaggio si trova nella casella condivisa, tra quelli da decidere.",
        ]
    )


def recall_text(*, sent: str, code: str, link: str, agency: str, phone: str) -> str:
    """Asks a project to delete what it should not have got: what to delete, and how to say that it is done."""
    call = f", o telefonate al numero {phone}" if phone else ""
    return "\n".join(
        [
            "Buongiorno,",
            "",
            f"{with_article('il', sent)} vi abbiamo inoltrato per errore un messaggio che non era per voi: "
            f"quello con il codice {code}",
            "nell'oggetto.",
            "",
            "Vi chiediamo di cancellarlo, anche dal cestino e da eventuali copie o inoltri, e di non usare quello che",
            "contiene. Se qualcuno di voi ha già scritto alla famiglia, diteci solo questo.",
            "",
            "Quando è fatto, aprite il collegamento qui sotto e inviate la mail già pronta:",
            link,
            "",
            f"Per parlarne con una persona: rispondete a questa mail{call}.",
            "",
            "Grazie, e scusate per l'errore.",
            "",
            agency,
        ]
    )
