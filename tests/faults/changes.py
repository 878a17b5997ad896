"""A mailbox that changes under the service: a colleague's client, a rebuilt server, folders that come and go.

Each act happens in the instant before a command of the service reaches the server: after its list
and before its fetch, after its forward and before its move.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.crash.harness import COLLEAGUES
from tests.crash.inbox import NEW
from tests.faults.bench import Cell, Run
from tests.faults.network_imap import SEVERAL, pattern

MOMENTS = ("UID SEARCH", "UID FETCH .*RFC822.SIZE", "UID FETCH .*BODY.PEEK", "NOOP", "CREATE", "UID MOVE", "LOGOUT")
FILED = "Smistati.Famiglie In&Out"

Act = Callable[[Run, IMAPClient], object]


def cells() -> list[Cell]:
    """Every act at every moment."""
    acts: dict[str, Act] = {
        "moves everything away": lambda _run, client: _move(client, client.search()),
        "moves one away": lambda run, client: _move(client, _some(run, client)),
        "expunges one": lambda run, client: _remove(client, _some(run, client)),
        "marks one deleted": lambda run, client: _flag(client, _some(run, client)),
        "appends one again": _append_again,
        "moves one away and back": _move_and_back,
        "renames the inbox": lambda _run, client: client.rename_folder("INBOX", "Vecchia posta"),
        "deletes the folder for filed mail": lambda _run, client: client.delete_folder(FILED),
        "makes a folder of the same name": lambda _run, client: client.create_folder(FILED),
        "renames the folder for filed mail": lambda _run, client: client.rename_folder(FILED, "Altro"),
        "rebuilds the mailbox": lambda run, _client: _rebuild(run),
        "ends every connection": lambda run, _client: run.case.dovecot.kill_connections(run.case.user),
    }
    found = [
        Cell(f"colleague {name} before {moment}", partial(_spoil, act=act, moment=moment), touched=True)
        for name, act in acts.items()
        for moment in MOMENTS
    ]
    answers = {
        "quota full": b"NO [OVERQUOTA] quota exceeded",
        "no permission": b"NO [NOPERM] permission denied",
        "folder limit": b"NO [LIMIT] too many folders",
    }
    for name, reply in answers.items():
        for command in ("CREATE", "UID MOVE"):
            for times in (1, None):
                word = "once" if times else "always"
                found.append(
                    Cell(f"{name} at {command} {word}", partial(_refuse, command=command, reply=reply, times=times))
                )
    return [*found, Cell("the folder is read-only", _read_only)]


def _spoil(run: Run, *, act: Act, moment: str) -> None:
    def change() -> None:
        with run.case.dovecot.client(run.case.user) as client, suppress(IMAPClientError):
            client.select_folder("INBOX")
            act(run, client)

    run.proxy.interrupt(pattern(moment), change, skip=run.dice.randrange(SEVERAL.get(moment, 1)))
    run.first()
    run.hit = not run.proxy.unused


def _some(run: Run, client: IMAPClient) -> list[int]:
    uids = sorted(client.search())
    return [run.dice.choice(uids)] if uids else []


def _move(client: IMAPClient, uids: list[int], folder: str = COLLEAGUES) -> None:
    if uids:
        client.move(uids, folder)


def _move_and_back(run: Run, client: IMAPClient) -> None:
    """It comes back under another number."""
    _move(client, _some(run, client))
    client.select_folder(COLLEAGUES)
    _move(client, client.search(), "INBOX")


def _remove(client: IMAPClient, uids: list[int]) -> None:
    if uids:
        client.delete_messages(uids)
        client.uid_expunge(uids)


def _flag(client: IMAPClient, uids: list[int]) -> None:
    if uids:
        client.delete_messages(uids)


def _append_again(run: Run, client: IMAPClient) -> None:
    client.append("INBOX", run.dice.choice(NEW).octets)


def _rebuild(run: Run) -> None:
    """A new UIDVALIDITY, and numbers that begin anew."""
    run.case.dovecot.rebuild(run.case.user)


def _refuse(run: Run, *, command: str, reply: bytes, times: int | None) -> None:
    run.proxy.answer(pattern(command), reply, times=times)
    run.first()
    run.hit = run.proxy.count(command.encode()) > 0


def _read_only(run: Run) -> None:
    run.proxy.rewrite(lambda line: line.replace(b"[READ-WRITE]", b"[READ-ONLY]") if b"[READ-WRITE]" in line else None)
    run.first()
    run.hit = True
