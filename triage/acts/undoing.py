"""*Annulla*: what a person did is taken back within two minutes, as long as nothing of it has left.

Acts are undone in turn. The message stands as it did before that act: it waits for a person again, with what the
service had thought of it; or it is done again; or the forward that the act had stopped goes on, and the act that had
planned it may be undone in its own two minutes. No machine decides anew what a person took back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from triage.acts.centres import plans_again
from triage.acts.letters import undecided
from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.settling import IN_THE_MAILBOX
from triage.acts.taught import give_rule_back
from triage.acts.words import centre_of, refused
from triage.acts.writing import ENDED_RULE, TOOK, write_decision
from triage.record import Transaction
from triage.record.audit import Param
from triage.record.beside import Holder, holders_of
from triage.record.charge import give_up_charge
from triage.record.corrections import lock_message, open_for_correction
from triage.record.decisions import decision_of
from triage.record.dispatches import DispatchRow
from triage.record.identity import secret_of
from triage.record.let_in import put_back_let_in
from triage.record.messages import MessageRow, change_state
from triage.record.misroutes import now_goes_to
from triage.record.quarantine import quarantine
from triage.record.recase import move_to_case, take_along
from triage.record.settlements import (
    SENDS_ON,
    Exit,
    SettlementRow,
    end_settlement,
    give_back,
    newest_settlements,
    settlement_numbered,
)
from triage.record.withdrawn import (
    any_left,
    bring_back,
    forwards_stopped,
    planned_by,
    take_back_what_followed,
    withdraw,
)
from triage.rules.types import Rules
from triage.vocabulary import Decision, DispatchKind, MessageState

AGAIN = "annullato_da_una_persona"
_DONE = (MessageState.FORWARDED, MessageState.FILED)


def undo(tx: Transaction, rules: Rules, person: Person, settlement_id: int) -> Outcome:
    """Take it back. Refusals: ``non_c_e``, ``gia_annullato``, ``troppo_tardi``, ``altro_passo``, ``altro_dopo``."""
    known = settlement_numbered(tx, settlement_id)
    row = lock_message(tx, known.message_id) if known is not None else None
    # Looked at once more: somebody else may have taken it back while this transaction waited.
    known = settlement_numbered(tx, settlement_id)
    if known is None or row is None:
        return refused(tx, rules, "non_c_e", 0)
    against = _against(tx, known, row)
    if against:
        return refused(tx, rules, against, row.id)
    kinds = (DispatchKind.QUESTION,) if known.exit == Exit.QUESTION else ()
    planned = [one for one in planned_by(tx, row.id, known.generations, known.at, kinds) if not _is_kept(one, known)]
    if any_left(tx, planned, known.at):
        return refused(tx, rules, "troppo_tardi", row.id)
    withdraw(tx, planned)
    end_settlement(tx, person, known)
    goes_on = _give_back(tx, rules, known, row, planned)
    take_back_what_followed(tx, known.id, row.id, known.at)
    _name_the_centre_again(tx, row.id)
    if known.before.get(TOOK):
        give_up_charge(tx, row.id, known.at)
    if ENDED_RULE in known.before:
        give_rule_back(tx, person, int(known.before[ENDED_RULE]))
    again = f" Torna com'era prima: va a {' e a '.join(centre_of(rules, one) for one in goes_on)}." if goes_on else ""
    further = known.exit == Exit.ALSO
    return Outcome(True, "annullato", f"Annullato: {'a questo centro ' if further else ''}non è partito niente.{again}")


def _name_the_centre_again(tx: Transaction, message_id: int) -> None:
    """The register's rows of earlier corrections name the centre of the last one that stands."""
    last = newest_settlements(tx, [message_id]).get(message_id)
    if last is not None and last.exit in SENDS_ON:
        now_goes_to(tx, message_id, last.project)


def _is_kept(one: DispatchRow, known: SettlementRow) -> bool:
    """Whether it is the forward of a further centre, which the act has left as it was."""
    return one.kind == DispatchKind.FORWARD and bool(known.project) and one.project != known.project


def _against(tx: Transaction, known: SettlementRow, row: MessageRow) -> str:
    if known.undone_at is not None:
        return "gia_annullato"
    if known.undo_until is None or tx.now >= known.undo_until:
        return "troppo_tardi"
    newest = newest_settlements(tx, [row.id]).get(row.id)
    if newest is None or newest.id != known.id:
        return "altro_passo"
    if row.generation not in known.generations:
        return "altro_dopo"
    return "troppo_tardi" if row.file_step == "copied" else ""


def _give_back(
    tx: Transaction, rules: Rules, known: SettlementRow, row: MessageRow, withdrawn: Sequence[DispatchRow]
) -> tuple[str, ...]:
    """The message as it stood before, in a generation of its own; the projects whose forward goes on again."""
    before = known.before
    state, case = before["state"], int(before["case"])
    decision = decision_of(tx, row.id, int(before["generation"])) or undecided(rules)
    params: dict[str, Param] = {"exit": known.exit, "undone": True}
    # Further centres whose forward has not left yet go on in the new generation.
    staying = holders_of(tx, row.id)
    stopped = _stopped(tx, known, decision, withdrawn) if state == MessageState.DECIDED else []
    plans = tuple(plans_again(tx, rules, secret_of(tx), decision, (*staying, *stopped)))
    if known.exit == Exit.ALSO and row.state == MessageState.HELD:
        state, before = MessageState.HELD, {**before, "reason": row.hold_reason}  # the other centre's was refused
    elif known.exit == Exit.ALSO and staying and not plans:
        state = MessageState.FORWARDED  # the other centre has got it meanwhile
    generation = 0
    if known.exit in (Exit.JOINED, Exit.SPLIT) and state in _DONE:
        pass  # only its case was changed
    elif state in IN_THE_MAILBOX:
        change_state(tx, row, MessageState(state), "reopened", {"exit": known.exit}, hold_reason=str(before["reason"]))
    elif state == MessageState.QUARANTINED:
        # Not to be read by this process: its exit was to be closed, and it waits for that again.
        fresh = open_for_correction(tx, row, params)
        reason = str(before["reason"])
        quarantine(tx, fresh, reason)
    elif plans and state != MessageState.HELD:
        generation = write_decision(tx, row, decision, plans=plans, params=params)
    elif state in _DONE or (state == MessageState.DECIDED and before.get("filing")):
        # A centre has it, or nobody was to get it: it is done again.
        due = _time_of_the_act_before(tx, known)
        generation = write_decision(tx, row, decision, file=True, due_at=due, params=params)
    else:
        reason = str(before["reason"]) or AGAIN
        generation = write_decision(tx, row, decision, hold_reason=reason, plans=plans, params=params)
    if generation:
        give_back(tx, known, generation)
    # Nobody insists any more: what the service decides of it later passes the same guards as before.
    put_back_let_in(tx, row.id, str(before["let_in"]))
    if case and case != row.case_id:
        if known.exit == Exit.SPLIT and row.case_id is not None:
            take_along(tx, row.id, row.case_id, case, tx.now)
        move_to_case(tx, row.id, case)
    if known.exit == Exit.JOINED:
        bring_back(tx, row.id, known.at)
    return tuple(dict.fromkeys(one.project for one in stopped))


def _stopped(
    tx: Transaction, known: SettlementRow, decision: Decision, withdrawn: Sequence[DispatchRow]
) -> list[Holder]:
    """The forwards that were about to leave when the act stopped them, each due when it was."""
    rows = forwards_stopped(tx, known.message_id, int(known.before["generation"]), known.at)
    found = [Holder(one.project, one.address_key, one.forward_path, True, one.due_at) for one in rows]
    if any((one.kind, one.forward_path) == (DispatchKind.FORWARD, decision.forward_path) for one in withdrawn):
        # The act had sent it to the same address, and so had taken over the forward itself.
        due = _time_of_the_act_before(tx, known)
        found.append(Holder(decision.project, decision.address_key, decision.forward_path, True, due))
    return found


def _time_of_the_act_before(tx: Transaction, known: SettlementRow) -> datetime:
    """Until when the act that holds again may be taken back itself: until then nothing of it leaves or is moved."""
    earlier = newest_settlements(tx, [known.message_id]).get(known.message_id)
    until = earlier.undo_until if earlier is not None else None
    return max(until, tx.now) if until is not None else tx.now
