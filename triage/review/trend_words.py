"""The words of /andamento: groups of the ledger, troubles, what is wrong with an address."""

from __future__ import annotations

from collections.abc import Mapping

from triage.record.destinations import BOUNCES, FULL, MOVED

LEDGER_NAMES: Mapping[str, str] = {
    "listed": "Visti nella casella",
    "awaiting": "da leggere",
    "baseline": "già presenti prima del servizio",
    "vanished": "tolti dalla casella prima della lettura",
    "unreadable": "illeggibili",
    "oversize": "troppo grandi",
    "closed": "chiusi da una persona senza essere letti",
    "received": "Ricevuti",
    "in_progress": "in lavorazione",
    "held": "aspettano una persona",
    "quarantined": "messi da parte",
    "filed": "finiti: inoltrati, risposti, chiusi o archiviati",
    "matched": "già noti (stesso messaggio) e prove del servizio",
    "erased": "cancellati",
}
SICK_NAMES: Mapping[str, str] = {
    BOUNCES: "respinge la posta",
    FULL: "ha la casella piena",
    MOVED: "dice di essersi trasferito o di non essere letto",
}
INCIDENT_NAMES: Mapping[str, str] = {
    "mailbox": "Una casella non si riesce a leggere",
    "unlisted": "Nella casella mancano messaggi che il registro conosce",
    "unreadable": "Il server di posta non dà un messaggio, o lo dà incompleto: è tra quelli che aspettano una persona",
    "destination": "Un indirizzo di un centro non riceve posta",
    "drift": "I controlli hanno trovato più errori di quanti promessi: un centro è di nuovo in proposta",
    "notice": "Un avviso urgente non è arrivato",
    "pec_failure": "Una ricevuta PEC dice che un messaggio non è arrivato",
    "rules": "Il file delle regole ha errori: valgono le regole di prima",
    "rules_superseded": "Il file delle regole è più vecchio di quelle in uso",
    "model": "Il file del modello non si può usare: vale il modello di prima",
    "clock": "L'orologio di una macchina è stato spostato indietro: quello che aspettava è stato rimesso in ordine",
    "hung": "Una parte del servizio si è bloccata ed è stata riavviata",
    "filing_refused": "La posta già trattata non si può spostare dalla posta in arrivo",
    "acts_altered": "Il registro delle operazioni fatte dalle persone è stato modificato da fuori",
    "octets_altered": "Un messaggio nel registro è stato alterato",
    "": "Un problema tecnico: lo descrive il comando «triage ledger»",
}
"""By kind of incident; ``""`` for any other."""
