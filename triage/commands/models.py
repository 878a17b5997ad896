"""``triage models``: which models there are, how two compare, and which one decides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from triage.classify.examples import ExamplesError
from triage.commands.act import actor
from triage.commands.comparing import TITLES, plain, print_comparison
from triage.commands.opening import FAILED, Opened, clear_errors, fail, json_option, opened, print_json, rules_option
from triage.knowledge import Knowledge, known_places
from triage.learning.comparison import Comparison, Rival, Verdict
from triage.learning.comparison import compare as compare_models
from triage.promotion import (
    CURRENT,
    Known,
    Model,
    RefusedError,
    keep_model,
    known_models,
    model_of_file,
    model_of_record,
    roll_back,
)
from triage.promotion import promote as put_in_force
from triage.record.identity import MODEL, current_version
from triage.record.model_papers import keep_comparison
from triage.rules import Rules, load_rules

folder_type = click.Path(exists=True, file_okay=False, path_type=Path)
why_option = click.option(
    "--why", default="", metavar="TEXT", help="The reason, kept on record with who and when. No names of families."
)


@click.group()
def models() -> None:
    """The models: list them, compare two, promote one, go one back.

    A model is named by its version, by the first four or more characters of it, by "current" (the one in
    force), or by its file.
    """


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List the models in the record, the newest first, with the figures of their cards."""
    with opened() as service:
        with service.store.read("models") as tx:
            found = known_models(tx)
        if as_json:
            for one in found:
                print_json(_plain(one))
            return
        for one in found:
            _print(one)
        if not found:
            click.echo("There is no model in the record yet: the first start takes that of TRIAGE_MODEL.")


@models.command()
@click.argument("champion")
@click.argument("challenger")
@click.argument("folder", type=folder_type)
@rules_option("The routing rules that both models are asked under.")
@click.option(
    "--keep",
    is_flag=True,
    help="Keep the result in the record, and the challenger with it: the page Modelli shows them to whoever decides.",
)
@json_option
def compare(champion: str, challenger: str, folder: Path, rules_path: Path, keep: bool, as_json: bool) -> None:
    """Let two models answer the same labelled messages (.jsonl) and say what the difference shows.

    The messages must be such as neither of them learnt from. Two files need no record, unless the result is kept.
    """
    with _refusing(), ExitStack() as stack:
        rules = load_rules(rules_path, known_places())
        pair = [_find(name, stack) for name in (champion, challenger)]
        if keep and pair[1].card is None:
            raise RefusedError(f"{challenger} {pair[1].trouble}. It cannot be kept.")
        found = _compare(pair[0], pair[1], folder, rules)
        if keep:
            service = stack.enter_context(opened())
            with service.store.write("comparison kept", actor()) as tx:
                keep_model(tx, pair[1])
                keep_comparison(tx, found.champion, found.challenger, plain(found))
    if as_json:
        print_json(plain(found))
    else:
        print_comparison(found)


@models.command()
@click.argument("model", metavar="VERSION|FILE")
@click.option(
    "--on",
    "folder",
    type=folder_type,
    help="Compare it first with the model in force on these labelled messages (.jsonl); refuse it if it is worse "
    "at what must not get worse, or if the messages are no fair test.",
)
@click.option(
    "--anyway", is_flag=True, help="Promote it in spite of that, or within a week; --why must say the reason."
)
@why_option
@json_option
def promote(model: str, folder: Path | None, anyway: bool, why: str, as_json: bool) -> None:
    """Put a model in force for all workers. Its card must stand beside it and name its hash."""
    if anyway and not why.strip():
        raise click.UsageError("--anyway needs --why TEXT: the reason is kept on record.")
    with _refusing(), opened() as service, ExitStack() as stack:
        chosen = _find(model, stack, service)
        if chosen.card is None:
            raise RefusedError(f"{model} {chosen.trouble}. Nothing was changed.")
        comparison = None if folder is None else _compare_with_current(service, chosen, folder)
        if comparison is not None and not as_json:
            print_comparison(comparison)
        if comparison is not None and not anyway:
            _refuse_unfit(comparison)
        with service.store.write("promote model", actor()) as tx:
            before = put_in_force(
                tx,
                chosen,
                why=why,
                anyway=anyway,
                instead_of=comparison.champion if comparison else None,
                compared=comparison.messages if comparison else None,
            )
    if as_json:
        told = None if comparison is None else plain(comparison)
        print_json({"version": chosen.version, "before": before, "changed": before is not None, "comparison": told})
    elif before is None:
        click.echo(f"{chosen.version} is in force already.")
    else:
        click.echo(f"{chosen.version} is in force{f' instead of {before}' if before else ''}, for all workers.")
        if comparison is None:
            click.echo("It was not compared with the one before it: --on FOLDER does.")


@models.command()
@why_option
@json_option
def rollback(why: str, as_json: bool) -> None:
    """Put the model in force that was so before the last promotion; again: the one before that."""
    with _refusing(), opened() as service, service.store.write("roll model back", actor()) as tx:
        left, entered = roll_back(tx, why=why)
    if as_json:
        print_json({"version": entered, "before": left, "changed": True})
    else:
        click.echo(f"{entered} is in force again instead of {left}, for all workers.")


@contextmanager
def _refusing() -> Iterator[None]:
    with clear_errors():
        try:
            yield
        except (RefusedError, ExamplesError) as error:
            fail(str(error), FAILED)


def _find(name: str, stack: ExitStack, service: Opened | None = None) -> Model:
    path = Path(name)
    if path.is_file() or path.suffix or path.name != name:
        return model_of_file(path)
    service = service or stack.enter_context(opened())
    with service.store.read("model") as tx:
        return model_of_record(tx, name)


def _compare(champion: Model, challenger: Model, folder: Path, rules: Rules) -> Comparison:
    with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("comparing", total=None)
        return compare_models(
            folder,
            Rival(champion.classifier, champion.card),
            Rival(challenger.classifier, challenger.card),
            rules,
            lambda done, total: progress.update(task, completed=done, total=total),
        )


def _compare_with_current(service: Opened, challenger: Model, folder: Path) -> Comparison | None:
    """Under the rules in force; None when nothing is in force or it is this very model."""
    with service.store.read("model in force") as tx:
        current = current_version(tx, MODEL)
        if current in ("", challenger.version):
            return None
        champion = model_of_record(tx, CURRENT)
    knowledge = Knowledge(service.store, service.settings.rules_path, service.settings.model_path)
    return _compare(champion, challenger, folder, knowledge.in_force().rules)


def _refuse_unfit(found: Comparison) -> None:
    if found.verdict is Verdict.UNSAFE:
        reason = "it is worse at what must not get worse"
    elif not found.held_out:
        reason = "these messages are no fair test"
    else:
        return
    raise RefusedError(
        f"{found.challenger} was not promoted: {reason}. {found.champion} stays in force. "
        "To insist: --anyway --why TEXT."
    )


def _plain(one: Known) -> dict[str, Any]:
    card = one.card
    return {
        "version": one.version,
        "sha256": one.sha256,
        "intact": one.intact,
        "imported_at": one.imported_at,
        "in_force": one.in_force_since is not None,
        "in_force_since": one.in_force_since,
        "previous": one.previous,
        "to_train_anew": one.to_train_anew,
        "last": None if one.last is None else asdict(one.last),
        "messages": None if card is None else card.messages,
        "corrections": None if card is None else card.corrections,
        "figures": None if card is None else {name: asdict(figure) for name, figure in card.headlines.items()},
    }


def _print(one: Known) -> None:
    state = "kept"
    if one.in_force_since is not None:
        state = f"IN FORCE since {one.in_force_since:%Y-%m-%d %H:%M} UTC"
    elif one.previous:
        state = "in force before: 'triage models rollback' brings it back"
    elif one.last is None:
        state = "never in force"
    click.echo(f"{one.version}  imported {one.imported_at:%Y-%m-%d %H:%M} UTC  {state}")
    click.echo(f"    SHA-256 {one.sha256}{'' if one.intact else '  ALTERED: not what was imported'}")
    if one.to_train_anew:
        click.echo(
            "    TO BE TRAINED ANEW: learnt from somebody's mail that was erased since; 'triage erase --refit DIR'"
        )
    if one.last is not None:
        why = f": {one.last.why}" if one.last.why else ""
        click.echo(f"    {one.last.how.replace('_', ' ')} on {one.last.at:%Y-%m-%d %H:%M} by {one.last.actor}{why}")
    if one.card is None:
        click.echo("    no card")
        return
    settled = f", {one.card.corrections} of them settled by persons" if one.card.corrections else ""
    click.echo(f"    learnt from {one.card.messages} messages{settled}; on writers it had not seen:")
    for name, figure in one.card.headlines.items():
        if figure.share is not None:
            click.echo(f"    {TITLES[name]:32} {figure.right:5} of {figure.n:5}  {100 * figure.share:5.1f} %")
