"""``triage ready``: what is missing before a project may go from ombra to proposta, and on to automatico."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from triage.commands.opening import FAILED, MISCONFIGURED, fail, json_option, opened, print_json
from triage.knowledge import Knowledge
from triage.readiness import Readiness, readiness
from triage.vocabulary import Mode


@click.command()
@click.argument("project", required=False)
@json_option
def ready(project: str | None, as_json: bool) -> None:
    """Say what is missing before each project may go one step further: ombra, proposta, automatico.

    "NO" is refused by the page Controlli, "advice" is not. With PROJECT it ends with 1 while the next step would be
    refused. From ombra to proposta a person edits the mode in routing_rules.yaml; from proposta to automatico a
    responsabile switches on the page.
    """
    with opened() as service:
        in_force = Knowledge(service.store, service.settings.rules_path, service.settings.model_path).in_force()
        with service.store.read("readiness") as tx:
            found = readiness(tx, in_force.rules, in_force.file_modes)
    if project is not None:
        found = tuple(one for one in found if one.project == project)
        if not found:
            fail(f"No project is called {project}: there is {', '.join(in_force.rules.projects)}.", MISCONFIGURED)
    if as_json:
        print_json([{**asdict(one), "ready": one.ready} for one in found])
    else:
        for one in found:
            _print(one)
    if project is not None and not found[0].ready:
        sys.exit(FAILED)


def _print(one: Readiness) -> None:
    click.echo(f"{one.project}: {one.mode}" + (f", next {one.next_step}" if one.next_step else ""))
    for step in (Mode.PROPOSAL, Mode.AUTOMATIC):
        click.echo(f"  for {step}:")
        for point in one.points:
            if point.step is step:
                mark = "yes" if point.met else "NO" if point.binds else "advice"
                click.echo(f"    {mark:6}  {point.says}" + ("" if point.met else f": {point.remedy}"))
