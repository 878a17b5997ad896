"""Answers to the test mails that confirm projects' addresses, among the messages that are about to be settled.

Enters a batch with its classifications, leaves the reason for which each answer waits: that the address is confirmed
now, or that it is not, as what answers is a machine, somebody else, lacks the letter's code, is doubted by our own
mail server, or does not plainly say yes. The answer itself always waits for a person: it may say more than "ok".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from triage.classify.folding import fold
from triage.classify.said_of_forwards import said_of_forward
from triage.decide.authentication import author_domain, is_doubted
from triage.record import Transaction
from triage.record.address_tests import AddressTest, TestState, codes_in, named_tests, note_answers
from triage.record.messages import MessageRow
from triage.rules.addresses import bare_form, matches_pattern, same_mailbox
from triage.rules.types import Rules
from triage.vocabulary import Classification, InboundMessage

CONFIRMED = "indirizzo_confermato"
NOT_CONFIRMED = "prova_indirizzo"
_READ = 20_000
_ABSENT = re.compile(
    r"risposta automatica|automatic(?:a|al)? repl|auto-?repl|out of (?:the )?office|fuori (?:ufficio|sede|servizio)"
    r"|\bassent[ei]\b|\bin ferie\b|\bin malattia\b|al (?:mio|nostro) rientro|risponder(?:emo|ò|à|anno)\b"
    r"|(?:abbiamo|ho) ricevuto (?:la|il) (?:su[ao]|vostr[ao]|tu[ao])|non rispond(?:ere|ete) a quest",
    re.IGNORECASE,
)
"""What mail programs answer for somebody who has not read the letter. In doubt it waits, and confirms nothing."""

_SHORT = 400
"""Characters of an answer that only says yes, its signature included."""
_LINK = re.compile(r"\bconfermo\s*\[", re.IGNORECASE)
"""The subject that the link in the letter writes (``triage.dispatch.links``)."""
_YES = re.compile(
    r"\s*(?:(?:buongiorno|buon giorno|buonasera|buon pomeriggio|salve|ciao|gentil[ei]|spett)\b[^\n,.!]{0,40}"
    r"[,.!\n]\s*)?"
    r"(?:ok|okay|si|si'|confermo|confermiamo|confermat[oa]|ricevut[oa]|va (?:bene|benissimo)|esatto|corretto|perfetto)"
    r"(?=\s*(?:[.,;:!\n\[-]|$)|\s+(?:grazie|confermo|confermiamo|ricevut[oa]|va bene|l'indirizzo|questo|che\b"
    r"|il nostro|e (?:il nostro|quello|giusto|corretto|questo)\b|indirizzo|lo leggiamo))"
)
"""A plain yes, perhaps below a greeting; in folded text. "Si comunica che..." is none."""
_NOT_YES = re.compile(
    r"\b(?:non|no|ne|mai|nessun\w*|invece|pero|ma|purtroppo|sbagliat\w*|errat\w*|altr[oaie]|cambiat\w*|nuov\w*"
    r"|vecchi\w*|chius\w*|automatic\w*|sol[oa]|tranne|eccetto|ricontatt\w*|dubbi\w*)\b|\?"
)

SHARED = frozenset(
    {"alice.it", "aruba.it", "email.it", "fastwebnet.it", "gmail.com", "gmx.com", "hotmail.com", "hotmail.it"}
    | {"icloud.com", "inwind.it", "legalmail.it", "libero.it", "live.com", "live.it", "me.com", "msn.com"}
    | {"outlook.com", "outlook.it", "pec.it", "pm.me", "proton.me", "tim.it", "tin.it", "tiscali.it", "virgilio.it"}
    | {"yahoo.com", "yahoo.it"}
)
"""Providers whose domain says nothing of who writes: there only the address itself counts."""


def take_confirmations(
    tx: Transaction,
    rules: Rules,
    pairs: Sequence[tuple[MessageRow, InboundMessage]],
    classified: Sequence[Classification],
) -> Mapping[int, str]:
    """Confirm what is answered; by row, the reason for which the answer waits. Rows that answer no test are missing."""
    codes = {row.id: codes_in(_said(message)) for row, message in pairs}
    threads = {row.id: (*message.in_reply_to, *message.references[-20:]) for row, message in pairs}
    wanted = (
        [item for group in codes.values() for item in group],
        [item for group in threads.values() for item in group],
    )
    tests = named_tests(tx, *wanted) if any(wanted) else []
    found: dict[int, str] = {}
    answered: dict[int, int] = {}
    for (row, message), classification in zip(pairs, classified, strict=True):
        about = [one for one in tests if one.code in codes[row.id] or one.rfc_message_id in threads[row.id]]
        if not about or row.generation:
            continue
        quoted = [one for one in reversed(about) if one.code in codes[row.id]]
        test = next((one for one in quoted if _confirms(one, message, classification, rules)), None)
        found[row.id] = CONFIRMED if test is not None else NOT_CONFIRMED
        if test is not None:
            answered.setdefault(test.id, row.id)
    note_answers(tx, answered)
    return found


def _confirms(test: AddressTest, message: InboundMessage, classification: Classification, rules: Rules) -> bool:
    """Whether a person who reads this address answers, and plainly says yes."""
    project = rules.projects.get(test.project)
    address = project.addresses.get(test.address_key) if project is not None else None
    return (
        address is not None
        and address.to == test.address
        and test.state in (TestState.ASKED, TestState.RETURNED, TestState.CONFIRMED)
        and not _may_be_a_robot(message, classification)
        and _is_proved(message, rules)
        and _is_from(test.address, message.author.addr_spec)
        and _says_yes(message)
    )


def _says_yes(message: InboundMessage) -> bool:
    """By the link in the letter, or in a few words of their own; whatever says more is a person's to judge."""
    text = fold(message.new_text.strip())
    if len(text) > _SHORT or _NOT_YES.search(text) or said_of_forward(text):
        return False
    return bool(_LINK.search(message.subject) or _YES.match(text))


def _may_be_a_robot(message: InboundMessage, classification: Classification) -> bool:
    """Whether anything at all speaks for a machine, which quotes the subject and with it the code."""
    marks = (value.strip().casefold() for value in message.header("Auto-Submitted"))
    return (
        classification.automatic
        or message.report is not None
        or any(mark != "no" for mark in marks)
        or any(reason.code.startswith("automatico_") for reason in classification.reasons)
        or _ABSENT.search(f"{message.subject}\n{message.new_text[:_READ]}") is not None
    )


def _is_proved(message: InboundMessage, rules: Rules) -> bool:
    """Whether there is one author, whom our own mail server does not doubt (decision 0010)."""
    return bool(author_domain(message)) and not is_doubted(
        message, rules.service.authserv_id, rules.service.authserv_below
    )


def _is_from(address: str, author: str) -> bool:
    """Whether an author reads mail at an address: is it, or somebody else of its own domain."""
    domain = bare_form(address)[1]
    return same_mailbox(author, address) or (domain not in SHARED and matches_pattern(author, f"@{domain}"))


def _said(message: InboundMessage) -> str:
    return "\n".join((message.subject, message.new_text[:_READ], message.quoted_text[:_READ]))
