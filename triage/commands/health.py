"""``triage check --health``: for monitors. The record is read, no server is asked, nothing is changed or migrated."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from triage.commands.opening import FAILED, opened, print_json
from triage.record.health import findings


def tell_health(*, as_json: bool) -> None:
    """A line a finding, and leave with 1 if there is one; also where the record cannot be read."""
    with opened(migrate=False) as service:
        with service.store.read("health") as tx:
            found = findings(tx)
        if as_json:
            print_json({"healthy": not found, "findings": [asdict(finding) for finding in found]})
        else:
            for finding in found:
                click.echo(f"{finding.code} {finding.subject}: {finding.text}")
            if not found:
                click.echo("The service works.")
        sys.exit(FAILED if found else 0)
