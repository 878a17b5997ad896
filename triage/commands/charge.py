"""``triage take``: a person has a message in hand, on record with who and when."""

from __future__ import annotations

from datetime import datetime

import click

from triage.commands.act import actor
from triage.commands.opening import FAILED, fail, opened
from triage.commands.settle import typing
from triage.record.charge import Charge, take_in_charge
from triage.record.filing import AT_REST
from triage.record.messages import get_message
from triage.record.staff_acts import note_act


@click.command()
@click.argument("message_ids", type=int, nargs=-1, required=True)
def take(message_ids: tuple[int, ...]) -> None:
    """Take messages in charge: who and when is on record, and nobody is called any more.

    The message stays where it is, and waits for what you decide. Who took it first keeps it.
    """
    with opened() as service:
        refused = []
        for message_id in message_ids:
            with service.store.write("take", actor()) as tx:
                row = get_message(tx, message_id)
                if row is None or row.state not in AT_REST:
                    what = row.state if row is not None else "there is none"
                    refused.append(f"Message {message_id} does not wait for a person: {what}.")
                    continue
                before = take_in_charge(tx, message_id, tx.actor)
                if before is None:
                    note_act(tx, typing(), "take", "message", message_id)
            if before is None:
                click.echo(f"Messaggio {message_id}: preso in carico.")
            else:
                refused.append(f"Messaggio {message_id}: {word_charge(before)}.")
        if refused:
            fail("\n".join(refused), FAILED)


def word_charge(charge: Charge | None) -> str:
    """Who has a message in hand, or that somebody was called; empty for what nobody asked about."""
    if charge is None or (charge.taken_at is None and charge.raised_at is None):
        return ""
    if charge.taken_at is not None:
        return f"preso in carico da {charge.taken_by} il {_when(charge.taken_at)}"
    return "nessuno lo ha ancora preso in carico"


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
