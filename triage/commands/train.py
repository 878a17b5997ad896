"""``triage train``: fit the model anew from the examples in the repository."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from triage.classify.examples import ExamplesError, Settled
from triage.commands.opening import FAILED, Opened, clear_errors, fail, json_option, opened, print_json, rules_option
from triage.knowledge import known_places
from triage.labels import Passed, settled_examples
from triage.learning import train as fit_model
from triage.learning.learnt import read_learnt
from triage.reading import ParsedMessages, pec_anchors
from triage.rules import Rules, load_rules


@click.command()
@click.option(
    "--examples",
    default="models/training",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder with the labelled examples (.jsonl).",
)
@click.option(
    "--out",
    default="models",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder that the model and its card are written to.",
)
@click.option(
    "--seed",
    default=20261125,
    show_default=True,
    help="The same seed and data give the same model, bit for bit on one kind of processor.",
)
@rules_option("The routing rules; only the trust in destinations is learnt with them.")
@click.option(
    "--also",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of corrections (.jsonl) by persons, learnt beside the examples; see docs/models.md.",
)
@click.option(
    "--settled",
    is_flag=True,
    help="Learn as well from what persons settled, corrected or checked in this service's record: topics and places.",
)
@click.option(
    "--learnt",
    type=click.Path(path_type=Path),
    help='Learn as well from this file, which "triage learn --write" has kept: topics and places.',
)
@json_option
def train(
    examples: Path,
    out: Path,
    seed: int,
    rules_path: Path,
    also: Path | None,
    settled: bool,
    learnt: Path | None,
    as_json: bool,
) -> None:
    """Fit the model from labelled examples; writes model.skops and card.json.

    A service goes on with the model in force until somebody promotes the new one: "triage models".
    """
    with clear_errors():
        rules = load_rules(rules_path, known_places())
    passed = Passed()
    with ExitStack() as stack, Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task: TaskID = progress.add_task("training", total=None)

        def tell(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=what)

        try:
            service = stack.enter_context(opened()) if settled else None
            told = _settled(service, rules, passed) if service is not None else ()
            card = fit_model(
                examples,
                out,
                rules=rules,
                seed=seed,
                progress=tell,
                also=also,
                settled=told,
                sorted_by_hand=read_learnt(learnt) if learnt is not None else (),
                read_at=service.store.clock.now() if service is not None else None,
            )
        except (ExamplesError, ValueError) as error:
            fail(str(error), FAILED)
        except OSError as error:
            fail(f"{error.filename or out} cannot be read or written ({type(error).__name__}).", FAILED)
    if as_json:
        print_json(
            {
                "version": card.model_version,
                "sha256": card.sha256,
                "corrections": card.data["corrections"]["messages"],
                "without_content": passed.without_content,
                "measures": card.measures,
            }
        )
    else:
        click.echo(f"{card.statement}")
        if passed.without_content:
            click.echo(f"{passed.without_content} settled messages have no content any more; they taught nothing.")
        click.echo(f"Model {card.model_version} written to {out}; figures in {out / 'card.json'}.")


def _settled(service: Opened, rules: Rules, passed: Passed) -> Iterator[Settled]:
    return settled_examples(service.store, rules, ParsedMessages(pec_anchors(service.settings)), passed)
