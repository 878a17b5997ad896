"""*Annulla*: what a person did is taken back within two minutes, as long as nothing of it has left.

The message waits for a person again, with what the service had thought of it; one that was done before, and was only
corrected, is done again. No machine decides anew what a person took back.
"""

from __future__ import annotations

from triage.acts.centres import plans_again
from triage.acts.letters import undecided
from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.settling import IN_THE_MAILBOX
from triage.acts.taught import give_rule_back
from triage.acts.words import refused
from triage.acts.writing import ENDED_RULE, write_decision
from triage.record import Transaction
from triage.record.audit import Param
from triage.record.beside import holders_of
from triage.record.corrections import lock_message, open_for_correction
from triage.record.decisions import decision_of
from triage.record.dispatches import DispatchRow
from triage.record.identity import secret_of
from triage.record.let_in import put_back_let_in
from triage.record.messages import MessageRow, change_state
from triage.record.misroutes import went_to, withdraw_rows
from triage.record.quarantine import quarantine
from triage.record.recase import move_to_case, take_along
from triage.record.settlements import (
    Exit,
    SettlementRow,
    end_settlement,
    newest_settlements,
    settlement_numbered,
    settlements_of,
)
from triage.record.withdrawn import any_left, bring_back, planned_by, take_back_what_followed, withdraw
from triage.rules.types import Rules
from triage.vocabulary import DispatchKind, MessageState

AGAIN = "annullato_da_una_persona"
EARLIER_TOO = "Anche la correzione di prima non vale più: nessuno riceve altro, e il messaggio aspetta di nuovo."
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
    planned = [one for one in planned_by(tx, row.id, known.generation, known.at, kinds) if not _is_kept(one, known)]
    if any_left(tx, planned, known.at):
        return refused(tx, rules, "troppo_tardi", row.id)
    withdraw(tx, planned)
    _give_back(tx, rules, known, row)
    take_back_what_followed(tx, known.id, row.id, known.at)
    if ENDED_RULE in known.before:
        give_rule_back(tx, person, int(known.before[ENDED_RULE]))
    end_settlement(tx, person, known)
    if _overtaken(tx, person, known):
        return Outcome(True, "annullato", f"Annullato: non è partito niente. {EARLIER_TOO}")
    further = known.exit == Exit.ALSO
    return Outcome(True, "annullato", f"Annullato: {'a questo centro ' if further else ''}non è partito niente.")


def _overtaken(tx: Transaction, person: Person, known: SettlementRow) -> bool:
    """End the earlier corrections whose forward ``known`` had stopped; ``True``: there was one.

    Nobody gets the message by them any more, so nobody may be asked to delete it or be told of a new centre.
    """
    if known.before["state"] != MessageState.DECIDED:
        return False
    done = False
    for one in settlements_of(tx, known.message_id):
        if one.id >= known.id or one.undone_at is not None or one.exit != Exit.CORRECTION:
            continue
        planned = planned_by(tx, one.message_id, one.generation, one.at)
        if any(row.kind == DispatchKind.FORWARD for row in planned):
            continue  # It has left, or goes on: the correction stands.
        if any_left(tx, planned, one.at):
            # The wrong centre was asked already; only the later centre is not to be named any more.
            went_to(tx, one.id, one.project)
            continue
        withdraw(tx, planned)
        withdraw_rows(tx, one.id)
        end_settlement(tx, person, one)
        done = True
    return done


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
    if row.generation != known.generation:
        return "altro_dopo"
    return "troppo_tardi" if row.file_step == "copied" else ""


def _give_back(tx: Transaction, rules: Rules, known: SettlementRow, row: MessageRow) -> None:
    """The message as it stood before, in a generation of its own."""
    before = known.before
    state, generation, case = before["state"], int(before["generation"]), int(before["case"])
    decision = decision_of(tx, row.id, generation) or undecided(rules)
    params: dict[str, Param] = {"exit": known.exit, "undone": True}
    # Further centres whose forward has not left yet go on in the new generation.
    staying = holders_of(tx, row.id)
    plans = tuple(plans_again(tx, rules, secret_of(tx), decision, staying))
    if known.exit == Exit.ALSO and row.state == MessageState.HELD:
        state, before = MessageState.HELD, {**before, "reason": row.hold_reason}  # the other centre's was refused
    elif known.exit == Exit.ALSO and staying and not plans:
        state = MessageState.FORWARDED  # the other centre has got it meanwhile
    if known.exit in (Exit.JOINED, Exit.SPLIT) and state in _DONE:
        pass  # only its case was changed
    elif state in IN_THE_MAILBOX:
        change_state(tx, row, MessageState(state), "reopened", {"exit": known.exit}, hold_reason=str(before["reason"]))
    elif state == MessageState.QUARANTINED:
        # Not to be read by this process: its exit was to be closed, and it waits for that again.
        fresh = open_for_correction(tx, row, params)
        reason = str(before["reason"])
        quarantine(tx, fresh, reason)
    elif plans and known.exit == Exit.ALSO and state != MessageState.HELD:
        write_decision(tx, row, decision, plans=plans, params=params)
    elif state in _DONE:
        # A centre has it, or nobody was to get it: it is done again.
        write_decision(tx, row, decision, file=True, params=params)
    else:
        write_decision(tx, row, decision, hold_reason=str(before["reason"]) or AGAIN, plans=plans, params=params)
    # Nobody insists any more: what the service decides of it later passes the same guards as before.
    put_back_let_in(tx, row.id, str(before["let_in"]))
    if case and case != row.case_id:
        if known.exit == Exit.SPLIT and row.case_id is not None:
            take_along(tx, row.id, row.case_id, case, tx.now)
        move_to_case(tx, row.id, case)
    if known.exit == Exit.JOINED:
        bring_back(tx, row.id, known.at)
