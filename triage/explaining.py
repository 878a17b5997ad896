"""Words reasons in plain Italian, for people who decide: never in what leaves the agency."""

from __future__ import annotations

from triage.classify.wording import explain
from triage.vocabulary import Reason

HOLDS = {
    "ricomparso": "già visto: è ricomparso nella casella, non viene inviato di nuovo",
    "stesso_messaggio": "è lo stesso messaggio arrivato anche in un'altra casella",
    "stesso_messaggio_altri_ottetti": "sembra un messaggio già noto, ma il contenuto è diverso",
    "vecchio_non_riconosciuto": "posta vecchia che non risultava, dopo un riordino della casella",
    "precedente_al_servizio": "più vecchio dell'inizio del servizio in questa casella",
    "troppo_grande": "troppo grande per essere letto: è rimasto nella casella",
    "illeggibile": "il server di posta non riesce a consegnarlo",
    "tre_interruzioni": "il programma si è interrotto tre volte leggendolo: messo da parte",
    "lettura_fallita": "il programma non riesce a leggerlo: messo da parte",
    "ottetti_mancanti": "il contenuto non è più disponibile",
    "ottetti_alterati": "il contenuto conservato è stato alterato: non viene inviato, l'originale è nella casella",
    "errore_imprevisto": "errore imprevisto del programma: serve una persona",
    "inoltro_rifiutato": "il centro destinatario ha rifiutato la mail",
    "inoltro_scaduto": "per cinque giorni non è stato possibile consegnarlo al centro",
    "esito_ignoto": "più invii senza risposta del server: non si sa se il centro l'ha ricevuto",
    "spostato_da_un_collega": "un collega l'ha spostato dalla posta in arrivo",
    "risposta_a_noi": "chi scrive risponde a una nostra mail: chiede una persona",
    "avviso_su_nostro_invio": "è un avviso automatico su una mail spedita da noi: forse non è arrivata",
    "smtputf8_non_offerto": "il server di posta non accetta l'indirizzo del destinatario",
    "indirizzo_non_attuale": "l'indirizzo del centro è cambiato dopo la decisione",
    "nessun_inoltro": "la decisione non prevede un inoltro",
}
"""Holds that come from intake and dispatch; all other codes are those of a decision."""


def word_hold(code: str) -> str:
    """Why a message waits, in a phrase."""
    if not code:
        return ""
    return HOLDS.get(code) or explain(Reason(code))


def word_reason(reason: Reason) -> str:
    """One reason in a phrase."""
    return HOLDS.get(reason.code) or explain(reason)
