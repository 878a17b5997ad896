"""``triage init``: the first settings, by questions or from a file of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from triage.beginning.answering import Answers, tidied, wrong_with
from triage.beginning.questions import Kind, Question, questions
from triage.beginning.rules_text import NoPlaceError
from triage.beginning.writing import KEY, SECRETS, Wanted, wanted_files, write
from triage.commands.connecting import try_answers
from triage.commands.domains import Resolve, by_system
from triage.commands.findings import Findings
from triage.commands.opening import FAILED, MISCONFIGURED, clear_errors, fail
from triage.knowledge import known_places
from triage.readiness import before_automatic
from triage.rules import Rules, load_rules
from triage.rules.yaml_tree import plain, read_tree
from triage.shipped import shipped


@click.command()
@click.argument("folder", metavar="[DIR]", default="service", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--answers", "answers_path", type=click.Path(path_type=Path), help="Take the answers from this YAML file; ask none."
)
@click.option("--questions", "lists", is_flag=True, help="Print an answers file with every key and default, and end.")
@click.option("--connect", "connects", is_flag=True, help="Try each server as soon as it has been named.")
@click.option(
    "--force", is_flag=True, help="Replace files that are there, each after a question (none with --answers)."
)
@click.option(
    "--from",
    "rules_path",
    default=shipped("routing_rules.yaml"),
    type=click.Path(path_type=Path),
    help="The rules file to begin from; else the one that came with the service.",
)
@click.option(
    "--model",
    default=shipped("model.skops"),
    type=click.Path(path_type=Path),
    help="The model file; else the one that came with the service.",
)
@click.pass_obj
def init(
    resolve: Resolve | None,
    folder: Path,
    answers_path: Path | None,
    lists: bool,
    connects: bool,
    force: bool,
    rules_path: Path,
    model: Path,
) -> None:
    """Write the first settings of a service: asks for them, checks each answer at once.

    Into DIR come triage.env, one file for each secret, and routing_rules.yaml with every project in ombra and no
    address confirmed. What is there already is not overwritten: the difference is shown. Nothing is sent.
    """
    with clear_errors(), _no_place():
        shipped = load_rules(rules_path, known_places())
        if lists:
            click.echo(_answers_file(shipped), nl=False)
            return
        answers = Answers(shipped.text)
        given = _read(answers_path) if answers_path is not None else None
        _ask(answers, shipped, given, folder, (resolve or by_system) if connects else None)
        if problems := answers.problems():
            fail("\n".join(problems) + "\nNothing was written.", MISCONFIGURED)
        files = wanted_files(answers, folder, model)
        _refuse_or_ask(files, force=force, asks=given is None)
        write(files)
        _tell(files, answers)


def _ask(
    answers: Answers, shipped: Rules, given: Mapping[str, str] | None, folder: Path, resolve: Resolve | None
) -> None:
    """Until every question has an answer that will do and, if wanted, works."""
    before: dict[str, str] = {"state_dir": str(folder.absolute() / "var")}
    known = given if given is not None else {}
    _refuse_unknown(known, shipped)
    while True:
        for question in questions(answers.given, shipped):
            if question.key in answers.given:
                continue
            default = before.get(question.key, question.default)
            answer = _prompt(question, default, answers) if given is None else _taken(question, default, given, answers)
            answers.keep(question, answer)
            if resolve is not None and not _works(question, answers, resolve, asks=given is None):
                again = answers.together(question)
                before |= {key: answers.given[key] for key in again if answers.asked[key].kind is not Kind.SECRET}
                answers.forget(again)
                break
        else:
            return


def _prompt(question: Question, default: str | None, answers: Answers) -> str:
    asks = question.asks + (f" ({'/'.join(question.choices)})" if question.choices else "")
    secret = question.kind is Kind.SECRET
    while True:
        raw = click.prompt(asks, default=default, hide_input=secret, show_default=bool(default) and not secret)
        answer = tidied(question, str(raw))
        wrong = wrong_with(question, answer, answers)
        if not wrong:
            return answer
        click.echo(f"  {wrong}", err=True)


def _taken(question: Question, default: str | None, given: Mapping[str, str], answers: Answers) -> str:
    """An answer of the file: the value, or that of a file that ``KEY_file`` names."""
    raw = given.get(question.key)
    if raw is None and (named := given.get(f"{question.key}_file")) is not None:
        try:
            raw = Path(named).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{question.key}_file names a file that cannot be read ({type(error).__name__}).", MISCONFIGURED)
    if raw is None and default is None:
        fail(f"{question.key} is missing in the answers: {question.asks}.", MISCONFIGURED)
    answer = tidied(question, raw if raw is not None else default or "")
    if wrong := wrong_with(question, answer, answers):
        fail(f"{question.key}: {wrong} Nothing was written.", MISCONFIGURED)
    return answer


def _works(question: Question, answers: Answers, resolve: Resolve, *, asks: bool) -> bool:
    """Say what came of trying it; whether to go on with the answer."""
    found = Findings()
    try_answers(question, answers, resolve, found)
    for title, told in (("ERROR", [*found.errors, *found.failures]), ("warning", found.warnings), ("ok", found.notes)):
        for text in told:
            click.echo(f"  {title}: {text}", err=title == "ERROR")
    if not (found.errors or found.failures):
        return True
    if not asks:
        fail("Nothing was written.", MISCONFIGURED if found.errors else FAILED)
    return not click.confirm("Answer again?", default=True)


def _read(path: Path) -> dict[str, str]:
    try:
        found = plain(read_tree(path.read_text(encoding="utf-8"), str(path)))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path} cannot be read ({type(error).__name__}).", MISCONFIGURED)
    if not isinstance(found, dict):
        fail(f"{path} holds no answers. 'triage init --questions' shows how.", MISCONFIGURED)
    odd = [key for key, value in found.items() if not isinstance(value, (str, list))]
    if odd:
        fail(f"{path}: {odd[0]} must be one value or a list. 'triage init --questions' shows how.", MISCONFIGURED)
    return {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in found.items()}


def _refuse_unknown(given: Mapping[str, str], shipped: Rules) -> None:
    """A key that is mistyped would silently leave the default."""
    boxes = given.get("mailboxes", next(iter(shipped.mailboxes)))
    known = {question.key for question in _every_question(shipped, boxes)}
    unknown = [key for key in given if key.removesuffix("_file") not in known]
    if unknown:
        fail(f"No question is called {unknown[0]}. 'triage init --questions' lists them all.", MISCONFIGURED)


def _every_question(shipped: Rules, boxes: str) -> Iterator[Question]:
    """Those too that are asked only after another answer."""
    for login in ("password", "xoauth2"):
        sample = {"mailboxes": boxes, "imap_login": login, "smtp_login": login, "alarm_smtp_host": "-"}
        answers = dict(sample)
        for question in questions(answers, shipped):
            answers.setdefault(question.key, question.default or "-")
            yield question
            if question.key.endswith("_user"):
                answers[question.key] = "-"
            if question.key.endswith("_oauth_token_url"):
                answers[question.key] = "-"


def _answers_file(shipped: Rules) -> str:
    lines = ["# Answers for triage init --answers FILE. Delete what shall keep its default.\n"]
    seen: set[str] = set()
    for question in _every_question(shipped, next(iter(shipped.mailboxes))):
        if question.key in seen:
            continue
        seen.add(question.key)
        choices = f" ({', '.join(question.choices)})" if question.choices else ""
        lines.append(f"\n# {question.asks}{choices}\n")
        if question.kind is Kind.SECRET:
            lines.append(f"# {question.key}_file: /path/of/a/file\n")
        elif question.default in (None, "-"):
            lines.append(f"# {question.key}:\n")
        else:
            lines.append(f"{question.key}: {question.default}\n" if question.default else f"# {question.key}:\n")
    return "".join(lines)


def _refuse_or_ask(files: tuple[Wanted, ...], *, force: bool, asks: bool) -> None:
    differing = [file for file in files if file.exists and not file.same]
    for file in differing:
        click.echo(file.difference(), nl=False, err=True)
    if differing and not force:
        names = ", ".join(file.path.name for file in differing)
        fail(f"{names}: there already, and different. Nothing was written. To replace: --force.", FAILED)
    for file in differing if asks else ():
        if not click.confirm(f"Replace {file.path}?", default=False):
            fail("Nothing was written.", FAILED)


def _tell(files: tuple[Wanted, ...], answers: Answers) -> None:
    settings = files[-1].path
    for file in files:
        click.echo(f"written: {file.path}" + (" (only its owner may read it)" if file.secret else ""))
    if answers.given["lock_record"] == "yes":
        key = settings.parent / SECRETS / KEY
        click.echo(
            f"\nKeep a copy of {key} where neither the record nor its backups are: without it nobody reads them."
        )
    click.echo(
        "\nNext:\n"
        f"  set -a; . {settings}; set +a\n"
        "  triage check --connect       # every server; sends one mail to ourselves\n"
        "  triage rehearse FOLDER       # real mail tried without sending anything\n"
        "  triage user add NAME --role amministratore\n"
        "  triage run                   # every project is in ombra: nothing leaves\n"
        "  triage ready                 # what is missing before a project may go further\n"
        "\nBefore a project may go to automatico:"
    )
    for text in before_automatic(answers.rules(str(files[0].path))):
        click.echo(f"  {text}")


@contextmanager
def _no_place() -> Iterator[None]:
    try:
        yield
    except NoPlaceError as error:
        fail(f"{error}.", MISCONFIGURED)
