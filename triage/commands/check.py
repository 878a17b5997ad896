"""``triage check``: can settings, rules and model be used; with ``--health``, does the service work at this moment.

What the first needs takes seconds to load, and a monitor asks for the second every minute: each is imported when it is
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from triage.commands.opening import json_option

if TYPE_CHECKING:
    from triage.commands.domains import Resolve


@click.command()
@click.option(
    "--connect",
    "connects",
    is_flag=True,
    help="Log in to every server as well, and send one message to each watched mailbox itself, which is removed again.",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 600),
    default=60,
    show_default=True,
    help="Seconds to wait for that message; 0: send none.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of routing_rules.yaml for editors, and end.")
@click.option(
    "--health",
    is_flag=True,
    help="Only ask the record whether the service works now: a line a finding, 1 if there is one. For monitors.",
)
@json_option
@click.pass_obj
def check(resolve: Resolve | None, connects: bool, wait: float, schema: bool, health: bool, as_json: bool) -> None:
    """Check settings, rules, the rules' own examples, the model, and the tokens of accounts that log in by OAuth.

    With --connect also: the logins, what the servers offer, whether we may send from our own address,
    whether the mailbox's server writes Return-Path, whether the domains of destinations exist. Ends
    with 2 if something must be mended, with 1 if only a server fails at the moment.
    """
    if health:
        from triage.commands.health import tell_health

        tell_health(as_json=as_json)
    elif schema:
        from triage.rules.schema import published_schema

        click.echo(published_schema(), nl=False)
    else:
        from triage.commands.checking import check_all

        check_all(connects=connects, resolve=resolve, wait=wait, as_json=as_json)
