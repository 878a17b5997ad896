"""One message and its classification in, one ``Decision`` out; pure, total, the same every time.

The rules say where a message goes; then everything is asked that may stop it from going there
without a person. Whatever the rules say: urgent mail is held, mail from ourselves or a project is
held, and only what a header section proves to be a machine's is filed unseen (design, decisions 4,
8 and 9). Refused is nothing: what cannot be decided is held, with its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from triage.decide.context import DecisionContext
from triage.decide.danger import hides_danger, speaks_of_danger
from triage.decide.matching import Facts, OpenRules, Outcome
from triage.decide.territory import RIVAL, TerritoryScores, is_somebody_elses, names_another_place, territory_of
from triage.decide.trust import (
    SURE_NOT_FOR_US,
    corrected,
    doubt,
    least_confidence,
    may_be_answered,
    topic_probabilities,
)
from triage.rules.addresses import AddressError, check_address
from triage.rules.types import MailboxRole, Rule, Rules
from triage.vocabulary import (
    NOT_FOR_US,
    STAFF,
    Action,
    Classification,
    Decision,
    InboundMessage,
    Mode,
    Reason,
    RuleTried,
)

MOST_HOPS = 50
"""Received fields from which a message is taken to be in a loop (Postfix's own limit; RFC 5321 section 6.3)."""

HOLD_BEFORE_FILING = frozenset(
    {"forse_non_per_noi", "forse_pericolo", "da_noi", "troppi_passaggi", "difetti_gravi", "modo_ombra"}
)
"""What keeps even proven machine mail for a person; other doubts are about forwarding."""

PERSONS_WORDS = frozenset({"poche_parole", "parole_di_persona"})
"""A person's words, perhaps, under header fields of a list or an answering program (``classify.under_headers``)."""

IF_NOT_URGENT = "senza_urgenza"
"""Reason that says what would be done if it were not for the urgency, and by which rule."""

FORWARD_AT_ONCE = "urgente_inoltra_subito"
"""Reason of a held urgent message that its project wants to have at once as well."""


SETTLED = "settled"
"""The folder of what staff have dealt with themselves, as the reason ``archiviata`` names it."""


def decide(
    message: InboundMessage,
    classification: Classification,
    rules: Rules,
    context: DecisionContext,
    *,
    ignore_modes: bool = False,
) -> Decision:
    """What shall happen to a message.

    ``ignore_modes`` sets modes and confirmations aside, for ``triage classify`` and examples.
    Reasons come in order of weight: what holds the message first, then what led to the decision,
    then the classification's own. ``confidence`` is the summed probability of all pairs of territory
    and topic for which these rules give the same destination; 1 for urgent mail, since urgency is no
    probability. For urgent mail the rules are asked twice, as it is and as if it were not urgent:
    ``rules_tried`` shows both answers, and ``IF_NOT_URGENT`` holds what the second one said.
    """
    territory = territory_of(classification, rules)
    calm = _decide_calmly(message, classification, rules, context, territory, ignore_modes=ignore_modes)
    if not (classification.urgent or classification.alert):
        return calm
    urgent_rules = OpenRules(rules, _facts(message, classification, context, urgent=True))
    applied = urgent_rules.outcome(territory.best, classification.topic)
    reasons = [Reason("urgente", {"avvisa": classification.alert})]
    if calm.action is Action.FORWARD and rules.projects[calm.project].urgent_forward_now:
        reasons.append(Reason(FORWARD_AT_ONCE, {"project": calm.project}))
    if applied.rule is not None and applied.hold:
        reasons.append(_applied(applied.rule))
    return replace(
        calm,
        action=Action.HOLD,
        destination=STAFF,
        urgent=True,
        confidence=1.0,
        rules_tried=_both(urgent_rules.tried(territory.best, classification.topic), calm.rules_tried),
        reasons=(*reasons, *_if_not_urgent(calm)),
    )


def _if_not_urgent(calm: Decision) -> Iterator[Reason]:
    """The reasons of the proposal; which rule it follows stands apart from the rule that was applied."""
    rule = next((reason.params for reason in calm.reasons if reason.code == "regola_applicata"), {})
    sure = round(calm.confidence, 4)
    yield Reason(
        IF_NOT_URGENT, {"action": str(calm.action), "destination": calm.destination, "confidence": sure, **rule}
    )
    yield from (reason for reason in calm.reasons if reason.code not in ("regola_applicata", "nessuna_regola"))


def _both(first: tuple[RuleTried, ...], second: tuple[RuleTried, ...]) -> tuple[RuleTried, ...]:
    """Both are the beginning of one list: every rule that was asked, and whether it held either time."""
    longer, shorter = sorted((first, second), key=len, reverse=True)
    pairs = zip(longer, shorter, strict=False)
    return (*(replace(rule, matched=rule.matched or other.matched) for rule, other in pairs), *longer[len(shorter) :])


def forwards_at_once(decision: Decision) -> bool:
    """Whether a held urgent message is to be forwarded to its proposal's address all the same."""
    return decision.action is Action.HOLD and any(reason.code == FORWARD_AT_ONCE for reason in decision.reasons)


def filing_folder(decision: Decision, rules: Rules) -> tuple[str, str] | None:
    """Root and name of the folder that a decided message is moved to; ``None`` for held mail, which stays."""
    folders = rules.service.folders
    if decision.action is Action.FORWARD:
        return folders.root, folders.forwarded
    if decision.action is Action.FILE:
        wanted = next((r.params.get("folder") for r in decision.reasons if r.code == "archiviata"), None)
        return folders.root, {"not_for_us": folders.not_for_us, SETTLED: folders.settled}.get(
            str(wanted), folders.automatic
        )
    return None


def _decide_calmly(
    message: InboundMessage,
    classification: Classification,
    rules: Rules,
    context: DecisionContext,
    territory: TerritoryScores,
    *,
    ignore_modes: bool,
) -> Decision:
    """The decision for a message that is not urgent, or as if it were not."""
    open_rules = OpenRules(rules, _facts(message, classification, context, urgent=False))
    outcome = open_rules.outcome(territory.best, classification.topic)
    likely = open_rules.destinations(territory.scores, topic_probabilities(classification))
    confidence = corrected(likely.get(outcome.destination, 0.0), classification.acceptance)
    address = rules.projects[outcome.project].addresses[outcome.address_key] if outcome.project else None
    holds = [
        *_holds_for_content(outcome, classification),
        *_holds_for_origin(message, rules, context),
        *_holds_for_doubt(outcome, confidence, territory, message, classification, rules),
        *(() if ignore_modes else _holds_for_mode(outcome, rules)),
    ]
    if outcome.folder:
        holds = [hold for hold in holds if hold.code in HOLD_BEFORE_FILING]
    action = Action.HOLD if holds else Action.FILE if outcome.folder else Action.FORWARD
    return Decision(
        action=action,
        destination=outcome.destination,
        territory=territory.best,
        topic=classification.topic,
        urgent=False,
        language=classification.language,
        automatic=classification.automatic,
        acknowledge=may_be_answered(classification),
        confidence=confidence,
        project=outcome.project,
        address_key=outcome.address_key,
        forward_path=address.to if address else "",
        rules_tried=open_rules.tried(territory.best, classification.topic),
        reasons=(
            *holds,
            *_explanation(action, outcome, territory, context.forged_seal),
            *classification.reasons,
            *doubt(classification),
        ),
        rules_version=rules.version,
        model_version=classification.model_version,
    )


def _facts(message: InboundMessage, classification: Classification, context: DecisionContext, *, urgent: bool) -> Facts:
    return Facts(
        language=classification.language,
        urgent=urgent,
        automatic=classification.automatic,
        author=message.author.addr_spec,
        subject=message.subject,
        mailbox=context.mailbox,
    )


def _holds_for_content(outcome: Outcome, classification: Classification) -> list[Reason]:
    """What the rules hold, and what would be filed without proof (design, decision 9)."""
    if outcome.hold:
        return [Reason(outcome.hold)]
    sure = classification.topic_scores.get(NOT_FOR_US, 1.0) >= SURE_NOT_FOR_US
    proved = classification.automatic_proved and all(one.code not in PERSONS_WORDS for one in classification.reasons)
    if not outcome.folder:
        return []
    filed_unseen = proved and classification.topic == NOT_FOR_US and sure
    if not filed_unseen and not speaks_of_danger(classification):
        return [Reason("forse_non_per_noi")]
    return [Reason("forse_pericolo")] if hides_danger(classification) else []


def _holds_for_origin(message: InboundMessage, rules: Rules, context: DecisionContext) -> list[Reason]:
    """Where the message comes from and what shape it is in."""
    reasons = []
    addresses = [address.addr_spec for address in (message.author, *message.authors) if address.addr_spec]
    if context.is_own_loop or any(rules.is_own(address) for address in addresses):
        reasons.append(Reason("da_noi"))
    if project := next((code for code in map(rules.project_of_address, addresses) if code), ""):
        reasons.append(Reason("dal_progetto", {"project": project}))
    if context.received_count > MOST_HOPS:
        reasons.append(Reason("troppi_passaggi", {"received": context.received_count}))
    if context.defects:
        reasons.append(Reason("difetti_gravi", {"defects": " ".join(sorted({d.code for d in context.defects}))}))
    if context.role is MailboxRole.JUNK:
        reasons.append(Reason("posta_indesiderata"))
    return reasons


def _holds_for_doubt(
    outcome: Outcome,
    confidence: float,
    territory: TerritoryScores,
    message: InboundMessage,
    classification: Classification,
    rules: Rules,
) -> list[Reason]:
    """What makes a forward too uncertain to leave without a person."""
    if not outcome.project:
        return []
    reasons = []
    wanted = least_confidence(rules.thresholds.min_confidence, rules.thresholds.max_wrong, classification.acceptance)
    if confidence < wanted:
        reasons.append(Reason("fiducia_bassa", {"confidence": round(confidence, 4), "threshold": wanted}))
        rival, score = territory.runner_up()
        if score >= RIVAL:
            places = {"first": territory.best, "second": rival}
            reasons.append(Reason("luoghi_in_gara", {**places, "second_score": round(score, 4)}))
    if hides_danger(classification):
        reasons.append(Reason("forse_pericolo"))
    unlisted = any(one.code == "nome_sconosciuto" for one in classification.reasons)
    if unlisted or names_another_place(territory.best, classification.places, rules):
        reasons.append(Reason("altro_luogo"))
    if is_somebody_elses(territory.best, classification.places, rules):
        reasons.append(Reason("luoghi_altrui"))
    if classification.language not in rules.thresholds.languages:
        reasons.append(Reason("lingua_da_verificare", {"language": classification.language}))
    if not _answerable(message.author.addr_spec):
        # Nobody could answer the family: the forward's Reply-To would be empty or wrong.
        reasons.append(Reason("difetti_gravi", {"defects": "author_address"}))
    return reasons


def _holds_for_mode(outcome: Outcome, rules: Rules) -> list[Reason]:
    """What modes and confirmations hold (design, decisions 6 and 8)."""
    if outcome.folder:
        return [Reason("modo_ombra")] if rules.service.mode is Mode.SHADOW else []
    if not outcome.project:
        return []
    project = rules.projects[outcome.project]
    match project.mode:
        case Mode.SHADOW:
            return [Reason("modo_ombra", {"project": project.code})]
        case Mode.PROPOSAL:
            return [Reason("modo_proposta", {"project": project.code})]
        case Mode.AUTOMATIC if not project.addresses[outcome.address_key].confirmed:
            return [Reason("indirizzo_non_confermato", {"project": project.code, "address": outcome.address_key})]
        case Mode.AUTOMATIC:
            return []


def _explanation(action: Action, outcome: Outcome, territory: TerritoryScores, forged: bool) -> list[Reason]:
    """What led to the decision, for people who ask why."""
    reasons = []
    if action is Action.FILE:
        reasons.append(Reason("archiviata", {"folder": outcome.folder}))
    if outcome.rule is not None:
        reasons.append(_applied(outcome.rule))
    score = round(territory.scores[territory.best], 4)
    reasons.append(Reason("territorio", {"territory": territory.best, "score": score}))
    return [*reasons, Reason("sigillo_falso")] if forged else reasons


def _applied(rule: Rule) -> Reason:
    return Reason("regola_applicata", {"rule": rule.name, "line": rule.line})


def _answerable(address: str) -> bool:
    try:
        check_address(address)
    except AddressError:
        return False
    return True
