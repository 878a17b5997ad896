"""``triage ledger``: what is where, and whether the count closes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from triage.commands.opening import FAILED, Opened, json_option, opened, print_json
from triage.record.incidents import open_incidents
from triage.record.ledger import compute_ledger, repeated_forwards
from triage.record.mailboxes import known_mailboxes
from triage.record.staff_acts import verify_acts

if TYPE_CHECKING:
    from triage.commands.reconciling import Compared

LABELS = {
    "listed": "listed by the server",
    "awaiting": "  waiting to be fetched",
    "baseline": "  there before the service (baseline)",
    "vanished": "  taken away before we read them",
    "unreadable": "  the server would not give them",
    "oversize": "  over the size limit",
    "closed": "  closed by a person where they lay",
    "received": "  received",
    "in_progress": "    in progress",
    "held": "    held for a person",
    "quarantined": "    quarantined",
    "filed": "    filed",
    "matched": "    found again (same message), test messages",
    "erased": "    erased",
}


@click.command()
@click.option(
    "--server",
    "asks_servers",
    is_flag=True,
    help="Log in to each watched mailbox as well, and compare the server's own list with the record.",
)
@json_option
def ledger(asks_servers: bool, as_json: bool) -> None:
    """Count every message and check that nothing is unaccounted for (exit 1 if something is)."""
    with opened() as service:
        compared = _compared(service) if asks_servers else []
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
                    **({"servers": [box.as_mapping for box in compared]} if asks_servers else {}),
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
            for comparison in compared:
                click.echo(comparison.line)
            for incident in incidents:
                click.echo(f"OPEN since {incident['opened_at']:%Y-%m-%d %H:%M} UTC: {incident['detail']}")
            for difference in differences:
                click.echo(f"DIFFERENCE: {difference}")
            click.echo("The ledger closes." if closes else "The ledger does NOT close.")
        sys.exit(FAILED if not closes or any(box.fails for box in compared) else 0)


def _compared(service: Opened) -> list[Compared]:
    # Imported here: the ledger alone needs no mail library and no model.
    from triage.commands.destinations import rules_in_force
    from triage.commands.reconciling import compare_mailboxes
    from triage.tokens import Tokens

    tokens = Tokens(service.settings.state_dir, service.store.clock)
    return compare_mailboxes(service.store, service.settings, rules_in_force(service), tokens)
