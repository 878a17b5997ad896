"""What every command does first: read the settings, open the record, and fail in one clear message."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from triage.basis import NothingInForceError, open_store, settings_from, store_of
from triage.calling import Call, Caller
from triage.record import Store, StoreError
from triage.record.store import KeyMissingError
from triage.rules import RulesError
from triage.settings import Settings, SettingsError, without_accounts

Command = TypeVar("Command", bound=Callable[..., Any])

FAILED = 1
MISCONFIGURED = 2

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs to read.")


def rules_option(help_text: str) -> Callable[[Command], Command]:
    """``--rules FILE``, as ``rules_path``, for commands that read the rules from a file and not from the record."""
    return click.option(
        "--rules",
        "rules_path",
        default="routing_rules.yaml",
        show_default=True,
        type=click.Path(path_type=Path),
        help=help_text,
    )


def fail(text: str, code: int) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    click.echo(text, err=True)
    sys.exit(code)


def print_json(value: Any) -> None:
    """One JSON object on a line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what can go wrong into one message and an exit code."""
    try:
        yield
    except SettingsError as error:
        fail(f"{error}\nSee the README, 'Configuration'.", MISCONFIGURED)
    except (RulesError, NothingInForceError) as error:
        fail(str(error), MISCONFIGURED)
    except KeyMissingError as error:
        fail(f"{error}. Nothing was lost. Give the file with that key; 'triage key status' says which.", MISCONFIGURED)
    except StoreError as error:
        fail(f"{error}. Nothing was lost. Check TRIAGE_DATABASE_URL, the disk's space and rights.", FAILED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read our output has enough (`triage held | head`)
        # A library that unpacks its model needs room for a temporary file, too.
        why = f"{type(error).__name__}, {errno.errorcode.get(error.errno or 0, 'no code')}"
        fail(
            f"The system refused to read or write ({why}). Nothing was lost. Check the disk's space and rights.", FAILED
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """Settings and record of a command that looks or acts."""

    settings: Settings
    store: Store

    def tell(self, *calls: Call) -> None:
        """Let workers begin at once with what the command has committed."""
        Caller(self.store, self.settings.worker_name, calls=bool(self.settings.database.listen_url)).tell(*calls)


@contextmanager
def opened(*, migrate: bool = True) -> Iterator[Opened]:
    """The record behind the environment's settings, for commands that need no mail server.

    ``migrate=False``: as it is, even if another release wrote it.
    """
    with clear_errors():
        settings = settings_from(without_accounts(os.environ))
        _refuse_absent(settings)
        store = open_store(settings) if migrate else store_of(settings)
        try:
            yield Opened(settings, store)
        except NothingInForceError as error:
            # A command that looks or acts reads no files: the service's start puts them on record.
            first = (
                "The first 'triage run' or 'triage worker --once' puts the files on record; 'triage check' tries them."
            )
            raise NothingInForceError(f"{error}\n{first}") from None
        finally:
            store.close()


def _refuse_absent(settings: Settings) -> None:
    """An empty record made by mistake (a wrong folder) would calmly report that nothing waits."""
    scheme, _, name = settings.database_url.partition("?")[0].partition(":///")
    if scheme == "sqlite" and name not in ("", ":memory:") and not Path(name).exists():
        fail(
            f"There is no record at {name}: the service has not run with these settings. "
            "Check TRIAGE_STATE_DIR and TRIAGE_DATABASE_URL, or start 'triage run' first.",
            MISCONFIGURED,
        )
