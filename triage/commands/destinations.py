"""``triage destinations`` and ``cure``: which of the projects' addresses take mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from triage.commands.act import actor
from triage.commands.opening import FAILED, Opened, fail, json_option, opened, print_json
from triage.knowledge import known_places
from triage.record.destinations import OK, SICK, Destination, all_destinations, cure_destination, held_for
from triage.record.identity import RULES, current_version, version_content
from triage.rules import load_rules, parse_rules
from triage.rules.types import DEFAULT_ADDRESS, ProjectAddress, Rules

WHY = {
    "rimbalza": "la posta torna indietro",
    "piena": "la casella è piena",
    "trasferita": "risponde che l'indirizzo è cambiato o che nessuno lo legge",
}


@click.command()
@json_option
def destinations(as_json: bool) -> None:
    """List the projects' addresses: which take mail, which do not, why, and since when."""
    with opened() as service:
        with service.store.read("destinations") as tx:
            known = {item.address: item for item in all_destinations(tx)}
        for name, address in _addresses(rules_in_force(service)):
            item = known.get(address.to.casefold())
            if as_json:
                print_json(_as_mapping(name, address, item))
            else:
                click.echo(_line(name, address, item))


@click.command()
@click.argument("destination", metavar="PROJECT[.ADDRESS]")
def cure(destination: str) -> None:
    """Say that an address takes mail again, as after a call to the project.

    Without a name after the point all addresses of the project. What waits for the address goes on with
    "triage retry".
    """
    with opened() as service:
        wanted = dict(_addresses(rules_in_force(service)))
        code, _, key = destination.partition(".")
        chosen = [
            address for name, address in wanted.items() if name == f"{code}.{key}" or (not key and _of(name, code))
        ]
        if not chosen:
            fail(f"There is no address {destination}. 'triage destinations' lists them.", FAILED)
        with service.store.write("cure", actor()) as tx:
            cured = [address for address in chosen if cure_destination(tx, address.to)]
            waiting = held_for(tx, [address.to for address in cured])
        if not cured:
            fail(f"{destination} was not known to be in trouble. 'triage destinations' shows its state.", FAILED)
        click.echo(f"{destination}: mail is sent there again.")
        if waiting:
            click.echo(f"Messages that wait for it: triage retry {' '.join(map(str, waiting))}")


def rules_in_force(service: Opened) -> Rules:
    """The rules in force; those of the file while the record has none."""
    path = service.settings.rules_path
    with service.store.read("rules in force") as tx:
        content = version_content(tx, RULES, current_version(tx, RULES))
    if content is None:
        return load_rules(path, known_places())
    return parse_rules(content.decode("utf-8"), str(path), known_places())


def _addresses(rules: Rules) -> Iterator[tuple[str, ProjectAddress]]:
    for code, project in rules.projects.items():
        for key, address in project.addresses.items():
            yield f"{code}.{key}", address


def _of(name: str, code: str) -> bool:
    return name.partition(".")[0] == code


def _line(name: str, address: ProjectAddress, item: Destination | None) -> str:
    shown = name.removesuffix(f".{DEFAULT_ADDRESS}")
    if item is None or item.state != SICK:
        days = f", {item.failing_days} giorni con errori" if item is not None and item.failing_days else ""
        return f"  {shown:<24} {address.to}: riceve{days}"
    text = WHY.get(item.why, item.why)
    return f"! {shown:<24} {address.to}: NON riceve, {text} (dal {item.since:%Y-%m-%d %H:%M} UTC)"


def _as_mapping(name: str, address: ProjectAddress, item: Destination | None) -> Mapping[str, object]:
    return {
        "destination": name,
        "address": address.to,
        "state": item.state if item is not None else OK,
        "why": item.why if item is not None else "",
        "since": item.since if item is not None else None,
        "by": item.changed_by if item is not None else "",
        "failing_days": item.failing_days if item is not None else 0,
        "status": item.status if item is not None else "",
    }
