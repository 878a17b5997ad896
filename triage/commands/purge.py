"""``triage purge``: erase what is kept no longer, see what would be, keep a case whatever its age."""

from __future__ import annotations

from typing import Any

import click

from triage.commands.act import actor
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, Opened, fail, json_option, opened, print_json
from triage.ids import case_code, cases_typed
from triage.keeping import Erased, would_erase
from triage.keeping import purge as erase
from triage.record import Transaction, purges
from triage.record.identity import secret_if_known
from triage.record.recase import case_exists


@click.command()
@click.option("--dry-run", "only_count", is_flag=True, help="Only say what would be erased.")
@click.option("--hold", "held", metavar="CASE", help="Keep everything of this case until it is let go (legal hold).")
@click.option("--reason", help="Why the case is kept; no names: the record shows it as it is.")
@click.option("--release", "released", metavar="CASE", help="Let a case go that was kept.")
@click.option("--holds", "lists", is_flag=True, help="List the cases that are kept.")
@json_option
def purge(
    only_count: bool, held: str | None, reason: str | None, released: str | None, lists: bool, as_json: bool
) -> None:
    """Erase octets and texts of messages whose time is over.

    How long they are kept stands in the rules under ``retention``; the running service erases every night. Rows stay,
    so that the ledger closes and the same mail is known again; what waits for a person is never erased, nor what
    belongs to a case that is still alive or kept.
    """
    if sum((only_count, held is not None, released is not None, lists)) > 1:
        raise click.UsageError("--dry-run, --hold, --release and --holds each go alone.")
    if (held is None) != (reason is None):
        raise click.UsageError("--hold and --reason go together.")
    with opened() as service:
        if held is not None:
            _hold(service, held, reason or "")
        elif released is not None:
            _release(service, released)
        elif lists:
            _list(service, as_json)
        else:
            _erase(service, only_count, as_json)


def _erase(service: Opened, only_count: bool, as_json: bool) -> None:
    retention = rules_in_force(service).retention
    found = would_erase(service.store, retention) if only_count else erase(service.store, retention, by=actor())
    done = found or Erased()
    if as_json:
        counts = {"messages": done.messages, "octets": done.octets, "server_replies": done.replies}
        print_json({"erased": not only_count, **counts, "kept_back": done.kept_back})
        return
    would = "would be " if only_count else ""
    click.echo(f"{done.messages} message(s) {would}erased, {done.octets / 1e6:.1f} MB.")
    click.echo(f"{done.replies} answer(s) of servers {would}blanked.")
    if done.kept_back:
        click.echo(f"{done.kept_back} message(s) are past their time and stay: their case is alive, open or kept.")


def _hold(service: Opened, code: str, reason: str) -> None:
    with service.store.write("legal hold", actor()) as tx:
        case = _case(tx, code)
        if case and purges.hold(tx, case, reason.strip()[:200]):
            click.echo("Kept: nothing of this case is erased until it is let go.")
            return
    fail("There is no case with this code." if not case else "This case is kept already.", FAILED)


def _release(service: Opened, code: str) -> None:
    with service.store.write("legal hold", actor()) as tx:
        case = _case(tx, code)
        if case and purges.let_go(tx, case):
            click.echo("Let go: this case is erased when its time is over, like any other.")
            return
    fail("There is no case with this code." if not case else "This case was not kept.", FAILED)


def _list(service: Opened, as_json: bool) -> None:
    with service.store.read("legal holds") as tx:
        secret = secret_if_known(tx)
        kept = [(case_code(secret, one.case_id), one) for one in purges.holds(tx)]
    if as_json:
        rows: list[dict[str, Any]] = [
            {"case": code, "since": one.since.isoformat(), "by": one.by, "reason": one.reason} for code, one in kept
        ]
        print_json(rows)
        return
    for code, one in kept:
        click.echo(f"{code}  since {one.since:%Y-%m-%d}  by {one.by}  {one.reason}")
    if not kept:
        click.echo("No case is kept beyond its time.")


def _case(tx: Transaction, code: str) -> int:
    """The case of a code; 0: there is none."""
    found = cases_typed(secret_if_known(tx), code)
    return found[0] if found and case_exists(tx, found[0]) else 0
