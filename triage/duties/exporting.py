"""Writes the copy of a person's data: a folder or a .zip with originals, ``dati.json`` and ``leggimi.txt``.

In: a dossier and where to. Out: the files, readable by their owner alone, and an act on record. Refused, with
``FileExistsError``: to write over anything. It is made under another name and moved when it is whole, so that half a
copy is never taken for one; what an export that was cut off left there is made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from triage.duties.contents import contents, original_of
from triage.duties.finding import OF_PERSON, Dossier, Item
from triage.duties.leaflet import FILE, Counts, leaflet
from triage.record import Store
from triage.record.octets import read_octets
from triage.record.of_person import NO_LABELS, octets_kept
from triage.record.person_requests import EXPORT, add_to_request, begin_request, end_request
from triage.record.staff_acts import Actor, note_act

ACT = "export_person"
DATA = "dati.json"
_ROME = ZoneInfo("Europe/Rome")
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700


class _Target(Protocol):
    def write(self, name: str, data: bytes) -> None:
        """One file of the copy; ``name`` with slashes."""


def export(
    store: Store,
    dossier: Dossier,
    to: Path,
    person: Actor,
    *,
    address: str,
    reference: str,
    with_others: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Counts:
    """Write it; raises ``FileExistsError`` where something is, ``OSError`` where nothing can be written."""
    if to.exists() or to.is_symlink():
        raise FileExistsError(to)
    part = to.with_name(f".{to.name}.part")
    _remove(part)
    try:
        with _opened(part, packed=to.suffix == ".zip") as target:
            counts = _fill(store, dossier, target, address, reference, with_others, progress)
        _note(store, dossier, person, reference, counts, with_others)
        _move(part, to)
    except BaseException:
        _remove(part)
        raise
    return counts


def _fill(
    store: Store,
    dossier: Dossier,
    target: _Target,
    address: str,
    reference: str,
    with_others: bool,
    progress: Callable[[int], None],
) -> Counts:
    given = 0
    for number, item in enumerate(dossier.items(), 1):
        name = original_of(item, with_others=with_others)
        octets = _octets(store, item) if name else None
        if octets is not None:
            target.write(name, octets)
            given += 1
        progress(number)
    with store.read("export") as tx:
        told = contents(tx, dossier, address, reference, with_others=with_others)
        kept = octets_kept(tx, [item.row for item in dossier.items()])
        on = f"{tx.now.astimezone(_ROME):%d/%m/%Y}"
    own = [item for item in dossier.items() if item.part in OF_PERSON]
    counts = Counts(
        cases=sum(case.id is not None for case in dossier.cases),
        messages=len(own),
        originals=given,
        others=sum(not original_of(item, with_others=with_others) for item in dossier.items() if item.row.sha256),
        gone=sum(item.row.sha256 is not None and item.row.sha256 not in kept for item in own),
    )
    target.write(DATA, json.dumps(told, ensure_ascii=False, indent=2).encode())
    target.write(FILE, leaflet(address, reference, on, counts, with_others=with_others).encode())
    return counts


def _octets(store: Store, item: Item) -> bytes | None:
    digest = item.row.sha256 or ""
    with store.read("export octets") as tx:
        return read_octets(tx, [digest]).get(digest)


def _note(store: Store, dossier: Dossier, person: Actor, reference: str, counts: Counts, with_others: bool) -> None:
    with store.write("export", person.name) as tx:
        request = begin_request(tx, EXPORT, dossier.key, reference)
        add_to_request(tx, request.id, counts.messages, 0, 0, NO_LABELS)
        end_request(tx, request.id, 0)
        told = {"messages": counts.messages, "originals": counts.originals, "with_others": with_others}
        note_act(tx, person, ACT, "request", request.id, {"reference": reference, **told})


# --------------------------------------------------------------------------- where it is written


@contextmanager
def _opened(part: Path, *, packed: bool) -> Iterator[_Target]:
    if not packed:
        part.mkdir(mode=_FOLDER_MODE)
        yield _Folder(part)
        return
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        yield _Archive(archive)


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
            file.write(data)


class _Archive:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def write(self, name: str, data: bytes) -> None:
        # A fixed date: when an export was made stands in its data, and the tool's clock is not asked.
        info = zipfile.ZipInfo(name)
        info.external_attr = _FILE_MODE << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        self._archive.writestr(info, data)


def _move(part: Path, to: Path) -> None:
    """Into place, over nothing that came there meanwhile."""
    if part.is_dir():
        part.rename(to)  # refuses a folder that holds something, and a file
        return
    os.link(part, to)  # refuses what is there
    part.unlink()


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)
