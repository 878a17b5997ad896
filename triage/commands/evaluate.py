"""``triage evaluate``: how good the model is on labelled messages that it never saw."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from triage.classify import ArtefactError, load_classifier
from triage.classify.examples import ExamplesError
from triage.commands.act import actor
from triage.commands.opening import (
    FAILED,
    MISCONFIGURED,
    clear_errors,
    fail,
    json_option,
    opened,
    print_json,
    rules_option,
)
from triage.knowledge import known_places
from triage.learning.evaluation import Evaluation
from triage.learning.evaluation import evaluate as measure_model
from triage.learning.report import page
from triage.record.identity import MODEL
from triage.record.model_papers import keep_report
from triage.record.versions import stored_versions
from triage.rules import load_rules

SHOWN = (
    ("destination", "right destination"),
    ("gate", "project, staff or nobody"),
    ("territory", "territory"),
    ("topic", "topic"),
    ("language", "language"),
    ("automatic_right", "automatic or person"),
    ("urgent_found", "to be read today: found"),
    ("urgent_false_alarms", "to be read today: false alarms"),
    ("alert_false", "on-call alert: false alarms"),
    ("forwarded_wrong", "forwards that were wrong"),
    ("coverage", "forwarded without a person"),
    ("filed_persons", "persons filed unseen"),
    ("acknowledged_machines", "machines acknowledged"),
)


@click.command()
@click.argument("folder", default="models/evaluation", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--model",
    default="models/model.skops",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The model to be measured.",
)
@rules_option("The routing rules; their modes and confirmations are set aside.")
@click.option(
    "--out",
    default="var/evaluation",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where report.html (Italian, with pictures) and report.json are written.",
)
@click.option("--keep", is_flag=True, help="Keep the report in the record as well, where the page Modelli shows it.")
@click.option("--real", is_flag=True, help="The messages are real mail: the page must not call them invented.")
@json_option
def evaluate(folder: Path, model: Path, rules_path: Path, out: Path, real: bool, keep: bool, as_json: bool) -> None:
    """Measure the model on labelled messages (.jsonl) that had no part in training; writes a report."""
    with clear_errors(), Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("evaluating", total=None)
        rules = load_rules(rules_path, known_places())
        try:
            found = measure_model(
                folder,
                load_classifier(model),
                rules,
                invented=not real,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except ExamplesError as error:
            fail(str(error), FAILED)
        except (OSError, ArtefactError) as error:
            fail(f"The model {model} cannot be used ({type(error).__name__}).", MISCONFIGURED)
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(found), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (out / "report.json").write_text(text, encoding="utf-8")
        (out / "report.html").write_text(page(found), encoding="utf-8")
    if keep:
        _keep(found)
    if as_json:
        print_json({"messages": found.messages, "model": found.model_version, "figures": found.figures})
        return
    click.echo(f"{found.messages} {'real' if real else 'invented'} messages of {found.writers} writers.")
    for name, title in SHOWN:
        one = found.figures[name]
        if one["n"]:
            click.echo(
                f"{title:32} {one['right']:5} of {one['n']:5}  {100 * one['share']:5.1f} %  "
                f"({100 * one['low']:.1f} to {100 * one['high']:.1f})"
            )
    click.echo(f"Report for people: {out / 'report.html'}")


def _keep(found: Evaluation) -> None:
    """In the record, beside the model, which must be there."""
    with opened() as service, service.store.write("report kept", actor()) as tx:
        if found.model_version not in [one.version for one in stored_versions(tx, MODEL)]:
            fail(
                f"Model {found.model_version} is not in the record: 'triage models list' shows which are. The report "
                "was written to its folder all the same.",
                FAILED,
            )
        content = {"messages": found.messages, "writers": found.writers, "invented": found.invented}
        keep_report(tx, found.model_version, {**content, "html": page(found)})
