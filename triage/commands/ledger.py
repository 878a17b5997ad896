"""``triage ledger``: what is where, and whether the count closes."""

from __future__ import annotations

import sys

import click

from triage.commands.opening import FAILED, json_option, opened, print_json
from triage.record.incidents import open_incidents
from triage.record.ledger import compute_ledger, repeated_forwards
from triage.record.mailboxes import known_mailboxes
from triage.record.staff_acts import verify_acts

LABELS = {
    "listed": "listed by the server",
    "awaiting": "  waiting to be fetched",
    "baseline": "  there before the service (baseline)",
    "vanished": "  taken away before we read them",
    "unreadable": "  the server would not give them",
    "oversize": "  over the size limit",
    "received": "  received",
    "in_progress": "    in progress",
    "held": "    held for a person",
    "quarantined": "    quarantined",
    "filed": "    filed",
    "matched": "    found again (same message)",
    "erased": "    erased",
}


@click.command()
@json_option
def ledger(as_json: bool) -> None:
    """Count every message and check that nothing is unaccounted for (exit 1 if something is)."""
    with opened() as service:
        with service.store.read("ledger", long=True) as tx:
            found = compute_ledger(tx)
            repeated = repeated_forwards(tx)
            incidents = open_incidents(tx)
            boxes = known_mailboxes(tx)
            differences = (*found.differences, *verify_acts(tx))
        closes = not differences
        if as_json:
            print_json(
                {
                    "closes": closes,
                    "counts": found.counts,
                    "differences": differences,
                    "repeated_forwards": repeated,
                    "incidents": [dict(incident) for incident in incidents],
                }
            )
        else:
            for name, label in LABELS.items():
                click.echo(f"{found.counts[name]:>9}  {label}")
            click.echo(f"{repeated:>9}  forwards sent again after an unknown outcome")
            for name, count in sorted(found.counts.items()):
                if name not in LABELS:
                    click.echo(f"{count:>9}  {name.replace('_', ' ')}")
            for box in boxes:
                when = f"{box.reconciled_at:%Y-%m-%d %H:%M} UTC" if box.reconciled_at else "never"
                click.echo(f"mailbox {box.name}: compared with the server's own list {when}")
            for incident in incidents:
                click.echo(f"OPEN since {incident['opened_at']:%Y-%m-%d %H:%M} UTC: {incident['detail']}")
            for difference in differences:
                click.echo(f"DIFFERENCE: {difference}")
            click.echo("The ledger closes." if closes else "The ledger does NOT close.")
        sys.exit(0 if closes else FAILED)
