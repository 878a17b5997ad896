"""``triage retry``, ``stop`` and ``start``: a person acts; each act is on record with who and when."""

from __future__ import annotations

import getpass

import click

from triage.calling import Call
from triage.commands.opening import FAILED, fail, opened
from triage.record import LostLeaseError
from triage.record.beside import further_waits
from triage.record.breaker import close
from triage.record.charge import take_in_charge
from triage.record.identity import set_stopped
from triage.record.incidents import NOTICE, PEC_FAILURE, close_incident
from triage.record.let_in import send_again
from triage.record.messages import MessageRow, get_message
from triage.vocabulary import MessageState

_AGAIN = {
    MessageState.HELD: MessageState.RECEIVED,
    MessageState.QUARANTINED: MessageState.RECEIVED,
    MessageState.OVERSIZE: MessageState.LISTED,
    MessageState.UNREADABLE: MessageState.LISTED,
}


def actor() -> str:
    """Who types the command, as the audit rows name them."""
    try:
        return f"cli:{getpass.getuser()}"[:64]
    except (KeyError, OSError):
        return "cli"


@click.command()
@click.argument("message_ids", type=int, nargs=-1, required=True)
def retry(message_ids: tuple[int, ...]) -> None:
    """Send held, quarantined, oversize or unreadable messages through the flow again.

    Use it when the cause is gone: a rule was changed, an address mended, a limit raised. It goes its way
    also when a colleague has moved it, or when it was seen before. A project that has accepted a message
    already does not get it a second time.
    """
    with opened() as service:
        refused = []
        for message_id in message_ids:
            try:
                with service.store.write("retry", actor()) as tx:
                    row = get_message(tx, message_id)
                    target = _AGAIN.get(MessageState(row.state)) if row is not None else None
                    if further_waits(tx, message_id):
                        refused.append(f"Message {message_id} is about to leave for another centre; try again then.")
                        continue
                    if row is None or target is None:
                        refused.append(f"Message {message_id} is not waiting: {_why_not(row)}.")
                        continue
                    send_again(tx, row, target)
                    # Whoever sends it on has it in hand: nobody is called about it any more.
                    take_in_charge(tx, message_id, tx.actor)
                    close_incident(tx, NOTICE, str(message_id))
                    close_incident(tx, PEC_FAILURE, str(message_id))
            except LostLeaseError:
                refused.append(f"Message {message_id} has just changed; look again with 'triage show {message_id}'.")
                continue
            click.echo(f"Message {message_id} goes through the flow again.")
        service.tell(Call.DECIDE, Call.FILE)
        if refused:
            fail("\n".join(refused), FAILED)


def _why_not(row: MessageRow | None) -> str:
    if row is None:
        return "there is none"
    if row.state == MessageState.MATCHED and row.same_as is not None:
        return f"it is the same as message {row.same_as}"
    return row.state


@click.command()
def stop() -> None:
    """Stop everything that leaves: no forward, no acknowledgement, no notice, by any worker.

    Mail is still read and decided; nothing is lost. What is on the wire at this moment ends.
    """
    with opened() as service:
        with service.store.write("stop", actor()) as tx:
            changed = set_stopped(tx, True)
        click.echo("Stopped: nothing leaves until 'triage start'." if changed else "It was stopped already.")


@click.command()
def start() -> None:
    """Let mail leave again after "triage stop", and acknowledgements after the breaker has stopped them."""
    with opened() as service:
        with service.store.write("start", actor()) as tx:
            changed, closed = set_stopped(tx, False), close(tx)
        service.tell(Call.DISPATCH)
        if closed:
            click.echo("Acknowledgements leave again: the breaker had stopped them.")
        if changed or not closed:
            click.echo("Started: what waited leaves now." if changed else "It was not stopped.")
