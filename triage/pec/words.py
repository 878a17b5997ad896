"""Certified mail in plain Italian: for staff, and for the readable part of a forward.

Says what was found and no more: "intatta" is no judgement of validity, which is a matter of law.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from triage.vocabulary import CertifiedMail, PecKind, Reason

ITALY = "Europe/Rome"
KINDS: dict[str, str] = {
    PecKind.TRANSPORT: "messaggio di posta certificata",
    PecKind.ANOMALY: "posta ordinaria arrivata in una casella certificata (non certificata)",
    PecKind.ACCEPTANCE: "ricevuta di accettazione",
    PecKind.NON_ACCEPTANCE: "avviso di non accettazione",
    PecKind.TAKEN_IN_CHARGE: "ricevuta di presa in carico",
    PecKind.DELIVERED: "ricevuta di avvenuta consegna",
    PecKind.DELIVERY_ERROR: "avviso di mancata consegna",
    PecKind.DELIVERY_WARNING: "preavviso di mancata consegna",
    PecKind.VIRUS: "avviso di virus",
}
ERRORS: dict[str, str] = {
    "no-dest": "il destinatario non esiste",
    "no-dominio": "il dominio del destinatario non esiste",
    "virus": "il gestore ha trovato un virus",
    "altro": "altro motivo (anche una casella che non esiste)",
}
HOLDS: dict[str, str] = {
    "ricevuta_pec_errore": "una ricevuta PEC dice che una nostra mail non è stata consegnata",
    "ricevuta_pec_sconosciuta": "ricevuta PEC di una mail che non risulta spedita dal servizio",
    "ricevuta_pec_alterata": "ricevuta PEC con la firma del gestore alterata",
    "ricevuta_pec_non_confermata": "si presenta come ricevuta PEC, ma nulla lo conferma: leggila prima di fidarti",
    "pec_mittente_diverso": "la casella PEC può spedire solo con il proprio indirizzo: controllare la configurazione",
    "pec_destinatari_diversi": "la casella PEC non accetta destinatari nascosti: serve una persona",
    "pec_troppo_grande": "troppo grande per la PEC (oltre 30 MB)",
}


def certified_lines(certified: CertifiedMail, timezone: str = ITALY) -> tuple[tuple[str, str], ...]:
    """Label and text, a line each: what it is, the provider's signature, the certified time."""
    what = KINDS[certified.kind]
    if not certified.trusted:
        what = f"si presenta come {what}, ma nulla lo conferma"
    signature = str(certified.signature) + (" (gestore riconosciuto)" if certified.recognised else "")
    lines = [("Posta certificata", what), ("Firma del gestore", signature)]
    data = certified.data
    if data is None or certified.kind is PecKind.ANOMALY:
        return tuple(lines)
    if data.time is not None:
        label = "Data e ora certificate" if certified.trusted else "Data e ora dichiarate"
        lines.append((label, local_time(data.time, timezone)))
    if certified.trusted:  # else they are a stranger's words
        said = (
            ("Gestore", data.provider),
            ("Identificativo", data.identifier),
            ("Destinatario", data.delivered_to),
            ("Errore indicato", ERRORS.get(data.error, "")),
            ("Spiegazione", data.error_detail),
        )
        lines += [(label, text) for label, text in said if text]
    return tuple(lines)


def local_time(moment: datetime, timezone: str) -> str:
    """To the second, as the law's time is."""
    return moment.astimezone(ZoneInfo(timezone)).strftime("%d/%m/%Y, ore %H:%M:%S")


def label_of(certified: CertifiedMail) -> Reason:
    """The reason that a decision carries, so that it is known after the octets are gone."""
    params: dict[str, str | int | float | bool] = {
        "kind": str(certified.kind),
        "signature": str(certified.signature),
        "trusted": certified.trusted,
    }
    return Reason("pec", params)


def word_pec(reason: Reason) -> str:
    """One of this package's reasons in a phrase, "" for any other."""
    if reason.code in HOLDS:
        return HOLDS[reason.code] + _about(reason)
    kind = KINDS.get(str(reason.params.get("kind", "")), "posta certificata")
    if reason.code == "ricevuta_pec":
        return f"{kind[:1].upper()}{kind[1:]}{_about(reason)}."
    if reason.code == "pec":
        found = kind if reason.params.get("trusted") else f"si presenta come {kind}, ma nulla lo conferma"
        return f"PEC: {found}; firma del gestore: {reason.params.get('signature', '')}."
    return ""


def _about(reason: Reason) -> str:
    params = reason.params
    error = ERRORS.get(str(params.get("error", "")), "")
    text = f" (messaggio {params['message']})" if params.get("message") else ""
    return f"{text}: {error}" if error else text
