"""Our reader of skops archives says what skops says, and less is allowed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from triage.classify.skops_archive import ForeignContentError, read_plain

MODEL = Path(__file__).parent.parent.parent / "models" / "model.skops"


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


def test_the_shipped_model_reads_the_same_as_with_skops() -> None:
    octets = MODEL.read_bytes()
    assert same(read_plain(octets), skops.io.loads(octets, trusted=[]))


def test_plain_values_read_the_same_as_with_skops() -> None:
    octets = skops.io.dumps({"a": [1, 2.5, "è", True, None], "b": {"c": np.arange(3, dtype=np.float32)}, "d": ""})
    assert same(read_plain(octets), skops.io.loads(octets, trusted=[]))


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": (1, 2)}, {1: "a"}, {"a": int}, {"a": b"x"}, ["a"]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ForeignContentError):
        read_plain(skops.io.dumps(value))


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps({"a": np.zeros(2), "b": "text"})))
    schema = json.loads(source.read("schema.json"))
    change(schema)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            target.writestr(name, json.dumps(schema) if name == "schema.json" else source.read(name))
    return result.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema.update(protocol=99),
        lambda schema: schema.update(__class__="OrderedDict"),
        lambda schema: schema["content"]["b"].update(__loader__="OperatorFuncNode"),
        lambda schema: schema["content"]["b"].update(content="not json"),
        lambda schema: schema["content"]["a"].update(file="../../etc/passwd"),
        lambda schema: schema["content"]["a"].update(type="json"),
        lambda schema: schema.pop("content"),
        lambda schema: schema["key_types"]["content"][0].update(__class__="eval"),
    ],
)
def test_a_changed_schema_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    assert read_plain(changed(lambda _: None))["b"] == "text"
    with pytest.raises(ForeignContentError):
        read_plain(changed(change))


def test_an_array_of_objects_is_refused_unread(tmp_path: Path) -> None:
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trap,))

    array = io.BytesIO()
    np.save(array, np.asarray([Trap()], dtype=object))
    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps({"a": np.zeros(2)})))
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            target.writestr(name, array.getvalue() if name.endswith(".npy") else source.read(name))
    with pytest.raises(ForeignContentError):
        read_plain(result.getvalue())
    assert not trap.exists()


def test_an_archive_that_unfolds_without_end_is_refused() -> None:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("schema.json", b" " * 210_000_000)
    with pytest.raises(ForeignContentError, match="unfolds"):
        read_plain(result.getvalue())


def test_classifying_loads_neither_skops_nor_scikit_learn() -> None:
    """They weigh 98 MB and a second in every worker."""
    program = (
        "import sys; from pathlib import Path; from triage.classify import load_classifier; "
        f"load_classifier(Path({str(MODEL)!r})); "
        "print([name for name in ('skops', 'sklearn', 'joblib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
