"""What a comparison of two models looks like: a table, and one plain sentence."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from triage.commands.evaluate import SHOWN
from triage.learning.comparison import Comparison, Outcome, Verdict
from triage.learning.figures import Share

TITLES = {
    **dict(SHOWN),
    "automatic_found": "automatic mail: found",
    "automatic_false": "persons taken for machines",
    "alert_found": "on-call alert: found",
}


def sentence(found: Comparison) -> str:
    """The verdict for people."""
    better = ", ".join(TITLES[name] for name in found.named(Outcome.BETTER))
    worse = ", ".join(TITLES[name] for name in found.named(Outcome.WORSE))
    on = f"on these {found.messages} messages"
    return {
        Verdict.UNSAFE: f"Do not promote {found.challenger}: {on} it is worse at what must not get worse ({worse}).",
        Verdict.BETTER: f"{found.challenger} is better {on}: {better}. Nothing is shown to be worse.",
        Verdict.WORSE: f"{found.challenger} is worse {on}: {worse}. Nothing is shown to be better.",
        Verdict.MIXED: f"{found.challenger} is better {on} at {better}, and worse at {worse}: a person must weigh it.",
        Verdict.EQUAL: f"No difference is shown {on}: chance alone could make the figures differ so.",
    }[found.verdict]


def print_comparison(found: Comparison) -> None:
    """The whole comparison on standard output."""
    click.echo(
        f"Champion {found.champion}, challenger {found.challenger}: "
        f"{found.messages} messages of {found.writers} writers, rules {found.rules_version}."
    )
    click.echo(f"{'':32} {'champion':>20} {'challenger':>20} {'both':>6} {'1st':>5} {'2nd':>5} {'none':>5} {'p':>8}")
    for pair in found.pairs:
        if pair.n:
            click.echo(
                f"{TITLES[pair.name]:32} {_share(pair.champion):>20} {_share(pair.challenger):>20} "
                f"{pair.both_right:>6} {pair.only_champion:>5} {pair.only_challenger:>5} {pair.neither:>5} "
                f"{pair.p_value:>8.4f}"
                f"{'' if pair.outcome is Outcome.EQUAL else '  ' + pair.outcome}"
            )
    click.echo(
        "both, 1st, 2nd, none: messages that both, only the champion, only the challenger, or neither got right. "
        "p: exact McNemar test; what is called better or worse stands after Holm's correction, or is worse at all "
        "where nothing may get worse."
    )
    for caution in found.cautions:
        click.echo(f"Caution: {caution}.")
    click.echo(sentence(found))


def plain(found: Comparison) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(found), "sentence": sentence(found)}


def _share(one: Share) -> str:
    return "-" if one.share is None else f"{one.right} of {one.n} {100 * one.share:.1f} %"
