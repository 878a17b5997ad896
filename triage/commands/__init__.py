"""The commands that administrators and staff type; each module holds a few that belong together.

Exit codes: 0 done (held mail is normal), 1 something fails or the ledger does not close, 2 the
configuration cannot be used. A command's module is imported when the command is asked for: those
that decide need libraries that take seconds to load, and looking at the record shall not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

COMMANDS = {
    "ask": ("settle", "Ask the family for its comune, where only the place is missing; once a case."),
    "backup": ("backup", "Write the whole record to one file, while the service runs; or check such a file."),
    "check": ("check", "Check settings, rules, the rules' own examples, and the model."),
    "classify": ("classify", 'Classify messages: .eml files, folders, mbox, Maildir, or "-".'),
    "also": ("settle", "Send a message that a centre has to one more; whoever has it keeps it."),
    "correct": ("settle", "Send a message to the centre that you choose; the family is told once."),
    "cure": ("destinations", "Say that an address takes mail again, as after a call to the project."),
    "demo": ("demo", "Run the service on invented mail; nothing leaves this machine."),
    "confirm": ("confirm", "Ask a project to confirm its address by answering a test mail."),
    "destinations": (
        "destinations",
        "List the projects' addresses: which take mail, which do not, why, and since when.",
    ),
    "erase": ("erase", "Erase what the record holds of a person, after showing what would go."),
    "evaluate": ("evaluate", "Measure the model on labelled messages that had no part in training."),
    "explain": ("classify", "Explain in Italian what would be decided for one message, and why."),
    "export": ("export", "Give a person a copy of their data: messages, decisions, sendings, notes."),
    "held": ("look", "List the messages that wait for a person: possible danger first."),
    "init": ("init", "Write the first settings of a service: asks for them, checks each answer at once."),
    "key": ("keys", "The key file that locks the record: make one, follow a new one, see what is locked."),
    "learn": ("learn", "Learn from folders that staff have sorted by hand: says what they would teach."),
    "ledger": ("ledger", "Count every message and check that nothing is unaccounted for."),
    "models": ("models", "The models: list them, compare two, promote one, go one back."),
    "protocol": ("protocol", "Mail for the agency's register of documents: list, export, note the number."),
    "purge": ("purge", "Erase octets and texts of messages whose time is over."),
    "ready": ("ready", "Say what is missing before each project may go one step further."),
    "rehearse": ("rehearse", "Rehearse: run real mail through the whole service; nothing is sent."),
    "restore": ("backup", "Make a new, empty record from a backup; nothing leaves by itself until you say so."),
    "retry": ("act", "Send held, quarantined, oversize or unreadable messages through the flow again."),
    "rules": ("rules", "The routing rules: print the file in force, try a changed one."),
    "run": ("run", "Run the service: read, sort, forward, acknowledge, file, until it is stopped."),
    "settle": ("settle", "Say that you have dealt with messages that wait: they are filed."),
    "show": ("look", "Show one message: what it is, why it was decided so, what happened to it."),
    "start": ("act", 'Let mail leave again after "triage stop", and acknowledgements after the breaker.'),
    "status": ("status", "Show how the service stands: what is wrong, who works, what waits; one screen."),
    "stop": ("act", "Stop everything that leaves, by any worker."),
    "take": ("charge", "Take messages in charge: who and when is on record, and nobody is called any more."),
    "train": ("train", "Fit the model from labelled examples."),
    "user": ("user", "Accounts of the staff page: add, list, close, and help those who are locked out."),
    "web": ("web", "Serve the staff page alone, beside workers that share its record."),
    "worker": ("run", "Run a worker; several may share one PostgreSQL."),
}
"""Each command's module, which holds it under its own name, and what the list of commands says of it."""


class _WhenAsked(MutableMapping[str, click.Command]):
    """The commands by name, imported when they are looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, _ = COMMANDS[name]
            self._loaded[name] = getattr(import_module(f"triage.commands.{module}"), name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(click.Group):
    """A group whose list of commands needs none of them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(
    cls=_Commands,
    commands=_WhenAsked(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="triage", message="%(version)s")
def main() -> None:
    """Sort the mail of a public agency's shared mailbox to the right family centre.

    Settings come from the environment (TRIAGE_...), what staff decide from routing_rules.yaml. Start
    with "triage demo", which needs neither.
    """
