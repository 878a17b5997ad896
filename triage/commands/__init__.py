"""The commands that administrators and staff type; each module holds a few that belong together.

Exit codes: 0 done (held mail is normal), 1 something fails or the ledger does not close, 2 the
configuration cannot be used.
"""

from __future__ import annotations

import click

from triage.commands import act, check, classify, demo, evaluate, look, models, run, train


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="triage", message="%(version)s")
def main() -> None:
    """Sort the mail of a public agency's shared mailbox to the right family centre.

    Settings come from the environment (TRIAGE_...), what staff decide from routing_rules.yaml. Start
    with "triage demo", which needs neither.
    """


for command in (
    demo.demo,
    run.run,
    run.worker,
    check.check,
    classify.classify,
    classify.explain,
    look.ledger,
    look.held,
    look.show,
    act.retry,
    act.stop,
    act.start,
    train.train,
    evaluate.evaluate,
    models.models,
):
    main.add_command(command)
