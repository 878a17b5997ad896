"""What the words alone say of who wrote: absences, bounces, bulk mail, and web forms.

Enters an ``InboundMessage``, leaves weighted reasons or a yes/no. These are hints for people to
confirm, never proof: "sono fuori sede fino a lunedì, possiamo sentirci dopo?" is a person's.
"""

from __future__ import annotations

import re

from triage.classify.folding import fold
from triage.vocabulary import InboundMessage, Reason

_SCANNED = 6_000


def count_text_evidence(message: InboundMessage) -> tuple[Reason, ...]:
    """Reasons with a ``weight`` each; two points together suggest a machine."""
    subject = fold(message.subject[:300])
    # In a forward the lower part is somebody else's: a person sent us that newsletter.
    text = "" if message.is_forward else fold(message.new_text[:_SCANNED] + "\n" + message.signature[:_SCANNED])
    reasons: list[Reason] = []
    if _ABSENCE_SUBJECT.match(subject):
        reasons.append(Reason("automatico_text_absence", {"where": "subject", "weight": 2}))
    if _DELIVERY_SUBJECT.match(subject) and (not text.strip() or _DELIVERY_TEXT.search(text)):
        reasons.append(Reason("automatico_text_delivery", {"where": "subject", "weight": 2}))
    elif _DELIVERY_TEXT.search(text):
        reasons.append(Reason("automatico_text_delivery", {"where": "text", "weight": 1}))
    absence = _ABSENCE_TEXT.search(text)
    if absence:
        instead = _INSTEAD_TEXT.search(text)
        # A person who is away asks something or tells of the family; a machine sends you elsewhere or says until when.
        brief = len(text.split()) <= _BRIEF and _UNTIL_TEXT.search(text) and not _OWN_AFFAIRS.search(text)
        weight = 2 if (instead or brief) and "?" not in text else 1
        reasons.append(_found("automatico_text_absence", absence, weight))
    machine = _MACHINE_TEXT.search(text)
    if machine:
        reasons.append(_found("automatico_text_machine", machine, 2))
    if _BULK_TEXT.search(text):
        reasons.append(Reason("automatico_text_bulk", {"weight": 2}))
    return tuple(reasons)


def reads_as_web_form(message: InboundMessage) -> bool:
    """A website's form filled in by a person: labelled lines, one of them for the message itself."""
    text = fold(message.new_text[:_SCANNED])
    labels = {match.group(1) for match in _FORM_LABEL.finditer(text)}
    if not labels & _FORM_BODY_LABELS or not labels & _FORM_PERSON_LABELS:
        return False
    named_as_form = bool(_FORM_WORDS.search(fold(message.subject[:300])) or _FORM_WORDS.search(text))
    return len(labels) >= (2 if named_as_form else 3)


def reads_as_transcript(message: InboundMessage) -> bool:
    """A fax, a voice message or a booking with notes: a machine's envelope around a person's words."""
    subject = fold(message.subject[:300])
    if not _TRANSCRIPT_SUBJECT.search(subject):
        return False
    text = fold(message.new_text[:_SCANNED])
    return len(text.split()) >= _TRANSCRIPT_WORDS and not _BULK_TEXT.search(text)


_BRIEF = 40
"""Words of an absence note that says no more than until when."""
_TRANSCRIPT_WORDS = 12
_TRANSCRIPT_SUBJECT = re.compile(
    r"\bfax\b|messaggio vocale|segreteria telefonica|voice ?mail|voice message|nuova prenotazione|nuova iscrizione"
    r"|nuov[oa] (?:invio|segnalazione|richiesta|messaggio|contatto)|contact form|form submission|contatto dal sito"
    r"|modulo (?:di )?contatt|richiesta dal sito"
)


def _found(code: str, match: re.Match[str], weight: int) -> Reason:
    return Reason(code, {"where": "text", "start": match.start(), "end": match.end(), "weight": weight})


_PREFIX = r"\s*(?:(?:re|r|i|fw|fwd|aw|sv)\s*:\s*)*(?:\[[^\]]{0,40}\]\s*)?"

_ABSENCE_SUBJECT = re.compile(
    _PREFIX + r"(?:risposta automatica|risponditore automatico|messaggio automatico|notifica automatica"
    r"|auto(?:matic)?[ -]?(?:reply|response)"
    r"|automatische antwort|reponse automatique|respuesta automatica|raspuns automat|out of (?:the )?office"
    r"|autorisposta|autoreply|fuori (?:sede|ufficio)\s*(?::|$)|assenza dall'ufficio|assente dal(?:l'ufficio)?\b)"
    # Not after "Re:": our own acknowledgements and questions begin so (RFC 3834 section 3.1.5), and families answer.
    r"|\s*(?:\[[^\]]{0,40}\]\s*)?auto\s*:"
)
_DELIVERY_SUBJECT = re.compile(
    _PREFIX
    + r"(?:anomalia messaggio\s*:\s*)?(?:undeliver(?:ed|able)\b|mail delivery (?:failed|failure|system|subsystem)"
    r"|returned mail|delivery (?:status notification|failure|has failed|incomplete|delayed)|failure notice"
    r"|(?:avviso di )?mancat[oa] (?:consegna|recapito)|non recapitabile|impossibile recapitare|messaggio non recapitato"
    r"|notifica (?:dello |sullo )?stato (?:di |della )?consegna|warning: (?:message|could not)"
    r"|lett[oa]\s*:|read\s*:|gelesen\s*:|read receipt|conferma di lettura|ricevuta di (?:lettura|ritorno)"
    r"|(?:mancata )?(?:accettazione|consegna|presa in carico)\s*:|report domain\s*:|visualizzat[oa]\s*:)"
)
_DELIVERY_TEXT = re.compile(
    r"could not be delivered|couldn't be delivered|wasn't delivered|was not delivered|delivery (?:has )?failed"
    r"|undeliverable|permanent (?:fatal )?errors?|diagnostic-code|status:\s*[45]\.\d|\b55[0-4][ -]5\.\d\.\d"
    r"|user unknown|mailbox (?:is )?full|casella (?:di posta )?(?:e )?piena"
    r"|non e stato possibile (?:recapitare|consegnare)"
    r"|impossibile recapitare|final-recipient|reporting-mta|mail delivery s(?:ystem|oftware)"
    r"|(?:e stato|was) (?:letto|visualizzato|read|displayed) (?:il|on|in data)\b"
    r"|ricevuta di (?:avvenuta |mancata )?(?:lettura|accettazione|consegna)"
    r"|conferma di lettura|il messaggio e stato (?:aperto|letto|accettato|consegnato)|report-id\s*:"
)
_ABSENCE_TEXT = re.compile(
    r"\b(?:sono|saro|risulto|risultero|mi trovo|mi trovero)\b[^.!?\n]{0,30}\b(?:assente|fuori (?:sede|ufficio)"
    r"|in (?:ferie|congedo|maternita|malattia|trasferta))\b"
    r"|\b(?:l'ufficio|lo sportello|il servizio|gli uffici)[^.!?\n]{0,30}"
    r"(?:rimarra|restera|rimarranno|resteranno|sara|saranno)"
    r" chius[oi]\b"
    r"|\bi(?:'m| am| will be)[^.!?\n]{0,30}\b(?:out of (?:the )?office|on (?:annual |maternity |sick )?leave|away from)"
    r"|\bnon (?:sono|saro) (?:in ufficio|in sede|al lavoro|in servizio)\b|\bassente dal (?:servizio|lavoro)\b"
    r"|\b(?:l'ufficio|lo sportello|il servizio|la segreteria) e chius[oa] per (?:ferie|festivita|chiusura)"
    r"|\bcasella\b[^.!?\n]{0,25}\bnon (?:e|sara|verra|viene) (?:presidiata|letta|monitorata|controllata|consultata)"
    r"|\bnon lavora piu (?:presso|in|per|qui|con)\b|\bnon e piu in servizio\b"
    r"|\bje (?:suis|serai)[^.!?\n]{0,30}\babsente?\b|\bestare? fuera de la oficina"
    r"|\bnu (?:sunt|voi fi) (?:la|in) birou|\bsunt plecat"
)
_INSTEAD_TEXT = re.compile(
    r"\b(?:per|in caso di) (?:urgenze|comunicazioni|questioni|richieste|necessita|emergenze|motivi)\b"
    r"|\b(?:contattare|rivolgersi|scrivere|inoltrare|chiamare)\b[^.!?\n]{0,60}"
    r"(?:@|\d{5}|collega|ufficio|segreteria|protocollo)"
    r"|\bmi sostituisce\b|\bin mia assenza\b|\bsaranno lette\b|\bsi prega di (?:scrivere|contattare|rivolgersi)\b"
    r"|\brispondero\b|\b(?:al mio (?:rientro|ritorno))|\bnon (?:leggero|verra letta|sara letta|potro leggere"
    r"|ho accesso)"
    r"|\bfor urgent\b|\bplease contact\b|\bwill (?:reply|respond)\b|\ben cas d'urgence\b"
)
_UNTIL_TEXT = re.compile(
    r"\bfino a(?:l|ll'|lla)?\b|\brientr(?:o|ero)\b|\bdal \d{1,2}\b[^.!?\n]{0,20}\bal \d|\buntil\b|\bjusqu|\bhasta\b"
    r"|\bpana (?:pe|la|in)\b|\brevin\b|\bvoi reveni\b"
)
_OWN_AFFAIRS = re.compile(
    r"\b(?:mi[oae]i?|nostr[oaie]) (?:figli|bimb|bambin|marit|mogli|mamm|compagn|nipot|ragazz)"
    r"|\b(?:abito|abitiamo|vivo|viviamo|vorrei|vorremmo|cerco|cerchiamo|aiut\w+|scrivervi)\b"
)
_MACHINE_TEXT = re.compile(
    r"(?:messaggio|e-?mail|mail|risposta|notifica|comunicazione)[^.!?\n]{0,25}\b(?:generat[oa]|inviat[oa]|prodott[oa])"
    r"[^.!?\n]{0,30}\b(?:automaticamente|in automatico|dal sistema|da un sistema automatico|in modo automatico)"
    r"|\b(?:questo e un|questa e una) (?:messaggio|e-?mail|mail|risposta|notifica) automatic[oa]"
    r"|\bnon rispondere a (?:questo|questa) (?:messaggio|e-?mail|mail|indirizzo)|\bsi prega di non rispondere\b"
    r"|\bla tua richiesta e stata (?:presa in carico|registrata)[^.!?\n]{0,40}(?:ticket|numero)"
    r"|\b(?:il (?:tuo|suo|vostro) (?:ordine|pacco)|la (?:tua|sua|vostra) (?:prenotazione|spedizione|richiesta))\b"
    r"[^.!?\n]{0,25}\be (?:stat[oa] )?(?:confermat[oa]|spedit[oa]|registrat[oa]|pres[oa] in carico|evas[oa]"
    r"|in viaggio|in consegna)"
    r"|\bconsegna del (?:tuo|suo|vostro) (?:ordine|pacco)\b|\b(?:numero|codice) di (?:tracking|spedizione)\b"
    r"|\b(?:tuo|suo|vostro) codice (?:di verifica|di conferma|otp|di accesso)\b"
    r"|\breimpostare la (?:tua |sua )?password\b"
    r"|\bnuovo accesso al (?:tuo|suo) account\b|\bdisattiva(?:re)? le notifiche\b|\bticket #? ?\d+"
    r"|\brispondi sopra questa riga\b|\bnon (?:inviare|inviate) risposte a questo\b"
    r"|\bnon e abilitat[oa] alla ricezione\b"
    r"|\b(?:il (?:tuo|suo|vostro) messaggio e stato ricevuto|abbiamo ricevuto il (?:tuo|suo|vostro) messaggio)\b"
    r"|\bthis is an automat(?:ed|ic)|\bautomatically generated|\bdo not reply to this\b"
)
# Families cancel too ("vorrei annullare l'iscrizione di Giulia al laboratorio"): a footer stands alone in its line, or
# names a link or a list.
_CANCEL = (
    r"(?:\bdisiscriv\w*|\bunsubscrib\w*|\b(?:annulla|cancella)(?:re)? (?:l'|la (?:tua |sua )?)?iscrizione"
    r"|\bse desabonner)"
)
_LINK = r"(?:clicca|click|\bqui\b|\bhere\b|\blink|preferenz|newsletter|mailing|\blista|\blist\b|https?:|www\.)"
_BULK_TEXT = re.compile(
    r"(?P<unsubscribe>"
    rf"(?m:^[\W_]*{_CANCEL}[\W_]*$)|{_CANCEL}[ \t]*\||\|[ \t]*{_CANCEL}"
    rf"|{_CANCEL}[^.!?\n]{{0,40}}{_LINK}|{_LINK}[^.!?\n]{{0,40}}{_CANCEL}"
    r"|cancella(?:re|rti|ti)[^.!?\n]{0,30}(?:newsletter|mailing|lista)|gestisci le (?:tue )?preferenze"
    r"|non (?:vuoi|desideri|intendi) piu ricevere)"
    r"|(?P<browser>(?:visualizza|leggi|apri|guarda)[^.!?\n]{0,40}\bbrowser"
    r"|view (?:this )?(?:email )?in (?:your )?browser"
    r"|non visualizzi correttamente)"
    r"|(?P<because>(?:ricevi|riceve|ricevete|hai ricevuto) quest[ao] (?:e-?mail|mail|messaggio|newsletter"
    r"|comunicazione) (?:perche|in quanto|poiche)|you (?:are receiving|received) this (?:e-?mail )?because)"
    r"|(?P<rights>tutti i diritti riservati|all rights reserved|© ?20\d\d)"
)

_FORM_LABEL = re.compile(
    r"(?m)^[ \t>*\-•]*\[?(nome e cognome|nome|cognome|nominativo|e-?mail|indirizzo e-?mail|telefono|cellulare|tel|"
    r"numero di telefono|recapito|recapiti|comune|comune di residenza|residenza|paese|cap|oggetto|messaggio|"
    r"testo del messaggio|testo|richiesta|la tua richiesta|la sua richiesta|domanda|note|descrizione|"
    r"come possiamo aiutarti|cosa vuoi dirci|eta|dove vivi|citta|note del richiedente|full name|your name|name|city|"
    r"phone|subject|message|(?:campo|field) \d+ \([^)\n]{0,40}\))\]?\??\s*[:=]"
)
_FORM_BODY_LABELS = frozenset(
    {
        "messaggio",
        "testo del messaggio",
        "testo",
        "richiesta",
        "la tua richiesta",
        "la sua richiesta",
        "domanda",
        "note",
        "descrizione",
        "come possiamo aiutarti",
        "cosa vuoi dirci",
        "note del richiedente",
        "campo 3 (messaggio)",
        "message",
    }
)
_FORM_PERSON_LABELS = frozenset(
    {
        "nome e cognome",
        "nome",
        "cognome",
        "nominativo",
        "email",
        "e-mail",
        "indirizzo email",
        "indirizzo e-mail",
        "telefono",
        "cellulare",
        "tel",
        "numero di telefono",
        "recapito",
        "recapiti",
        "your name",
        "full name",
        "name",
        "phone",
        "eta",
        "campo 1 (nome)",
    }
)
_FORM_WORDS = re.compile(
    r"\b(?:modulo|form)\b[^.!?\n]{0,30}\b(?:contatt\w*|sito|web|online|richiest\w*)|\bdal sito\b|\bcontact form\b"
    r"|\bmodulo (?:di )?contatto|\bnuova richiesta dal\b|\binviat[oa] (?:da|dal|tramite) (?:il )?(?:sito|form|modulo)"
)
