"""Decisions about messages that belong to something earlier: what came back, and what a family adds.

Pure: a decision and what is known of its case enter, the decision that holds leaves. A further message
of a family goes where its case went, unless it says another place, asks for staff, or may speak of
danger; a report is filed only when its header section proves what it is and the record has noted it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from triage.decide import DecisionContext
from triage.record.returned import Returned, ReturnKind, SentDispatch
from triage.rules.types import MailboxRole, Rules
from triage.vocabulary import (
    STAFF,
    UNSTATED,
    Acceptance,
    Action,
    Classification,
    Decision,
    InboundMessage,
    Mode,
    Reason,
)

_HELD_AS = {
    ReturnKind.MOVED: "centro_cambia_indirizzo",
    ReturnKind.COMPLAINT: "segnalazione_su_nostro_invio",
    ReturnKind.HANDED_BACK: "restituzione",
    ReturnKind.LATE_HAND_BACK: "restituzione_tardiva",
    ReturnKind.TAKEN: "preso_in_carico",
    ReturnKind.DELETED: "richiamo_risposto",
    ReturnKind.RECALL_ANSWERED: "richiamo_risposto",
}
_FILED = frozenset(
    {ReturnKind.FAILED, ReturnKind.DELAYED, ReturnKind.DELIVERED, ReturnKind.DISPLAYED, ReturnKind.ABSENT}
)
_ALWAYS_HELD = frozenset({"da_noi", "dal_progetto", "troppi_passaggi", "difetti_gravi", "posta_indesiderata"})
"""Reasons about where a message comes from, which no case outweighs."""
CORRECTED_BY_FAMILY = "correzione_della_famiglia"
_NOT_MY_ZONE = re.compile(r"\bnon\s+\S{1,6}\s+la\s+mia\s+zona\b", re.IGNORECASE)
"""The subject of that mail (``triage.dispatch.acknowledging``), also as typed by hand, or with its accent spoilt by a
program that reads the link's UTF-8 as something else."""

SURE_FOR_STAFF = 0.6
"""Probability from which a further message is taken to be for staff, whatever its case was about."""


def about_what_was_sent(
    decision: Decision, classification: Classification, returned: Returned, rules: Rules, context: DecisionContext
) -> Decision:
    """The decision about a message that came back."""
    what = {"kind": str(returned.kind), "project": returned.dispatch.project, "status": returned.status}
    note = Reason("tornato", what)
    proved = (classification.automatic_proved and returned.kind in _FILED) or returned.nothing_to_read
    if proved and context.role is not MailboxRole.JUNK and rules.service.mode is not Mode.SHADOW:
        return replace(
            decision,
            action=Action.FILE,
            urgent=False,
            acknowledge=False,
            reasons=(note, Reason("archiviata", {"folder": "automatic"}), *classification.reasons),
        )
    code = _HELD_AS.get(returned.kind, "avviso_su_nostro_invio")
    return replace(decision, action=Action.HOLD, acknowledge=False, reasons=(Reason(code), note, *decision.reasons))


def corrects_us(message: InboundMessage) -> bool:
    """Whether it is the mail that the link in an acknowledgement makes: a family says that we were wrong.

    Whatever stands below the subject, a person reads it: the centre that we chose is in doubt.
    """
    return _NOT_MY_ZONE.search(message.subject) is not None


def in_its_case(
    decision: Decision, classification: Classification, sent: SentDispatch, rules: Rules, *, shared: bool = False
) -> Decision:
    """The decision about a further message of a family whose case a project has.

    ``shared``: a person has sent some of it to several centres; to which of them more belongs, a person says.
    """
    project = rules.projects.get(sent.project)
    calm = not (decision.urgent or classification.automatic or decision.action is Action.FILE)
    if project is None or not calm or any(reason.code in _ALWAYS_HELD for reason in decision.reasons):
        return decision
    if shared and decision.destination != STAFF:
        return replace(decision, action=Action.HOLD, reasons=(Reason("piu_centri_nel_caso"), *decision.reasons))
    if decision.territory not in (UNSTATED, sent.project):
        if decision.action is not Action.FORWARD:
            return decision
        reason = Reason("cambia_zona", {"project": sent.project})
        return replace(decision, action=Action.HOLD, reasons=(reason, *decision.reasons))
    for_staff = decision.destination == STAFF and decision.topic in ("reclamo", "sperimentazione", "altro_servizio")
    if for_staff and classification.topic_scores.get(decision.topic, 0.0) >= SURE_FOR_STAFF:
        return decision
    known = (one for one in project.addresses.values() if one.to == sent.forward_path)
    address = next(known, project.addresses["default"])
    return replace(
        decision,
        action=Action.FORWARD,
        destination=project.code,
        confidence=1.0,
        project=project.code,
        address_key=address.key,
        forward_path=address.to,
        reasons=(Reason("stesso_caso", {"project": project.code}), *classification.reasons),
    )


def with_given_place(classification: Classification, comune: str) -> Classification:
    """The same reading, with the comune that the family named when asked, or that staff learnt."""
    return replace(
        classification,
        comune_scores={comune: 1.0},
        outside=0.0,
        unstated=0.0,
        several=0.0,
        # How far to trust was learnt from messages whose place had to be found in them.
        acceptance=Acceptance(levels=classification.acceptance.levels),
        reasons=(Reason("comune_indicato", {"comune": comune}), *classification.reasons),
    )
