"""The trained model as octets: written so that the same weights give the same file, read with suspicion.

The format is skops, but only of strings, numbers, lists and numeric arrays: reading one cannot run
code. Refused, with :class:`ArtefactError`: anything that is no such file (a pickle, say), that
names any type beyond those, or whose parts do not fit together.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from triage.classify.acceptance import AcceptanceWeights
from triage.classify.skops_archive import LARGEST, ForeignContentError, read_plain
from triage.classify.territory import RankerWeights
from triage.classify.topics import Head, Weights
from triage.classify.wordspace import FIELDS, FieldTerms

FORMAT = "triage-classify-2"


class ArtefactError(ValueError):
    """The octets are not a model that this code may use; the text says what is wrong."""


def dump_weights(weights: Weights) -> bytes:
    """The artefact; equal weights give equal octets, whatever the clock or the process."""
    import skops.io  # here: only training writes, and skops brings scikit-learn with it

    plain: dict[str, Any] = {
        "format": FORMAT,
        "topics": "\n".join(weights.topics),
        "extras": "\n".join(weights.extras),
        "fields": {
            name: {"terms": "\n".join(weights.fields[name].terms), "idf": weights.fields[name].idf} for name in FIELDS
        },
        "heads": {name: _head_out(head) for name, head in _heads(weights).items()},
        "thresholds": {"urgent": weights.urgent_threshold, "automatic": weights.automatic_threshold},
        "places": {
            "terms": "\n".join(weights.places.terms),
            "weights": weights.places.weights,
            "several_terms": "\n".join(weights.places.several_terms),
            "several": weights.places.several,
        },
        "acceptance": {
            "names": "\n".join(weights.acceptance.names),
            "weights": weights.acceptance.weights,
            "slope": weights.acceptance.slope,
            "limits": list(weights.acceptance.limits),
            "thresholds": list(weights.acceptance.thresholds),
        },
    }
    return _normalised(skops.io.dumps(plain))


def load_weights(octets: bytes) -> Weights:
    """Raises :class:`ArtefactError`. Executes nothing from the file."""
    if len(octets) > LARGEST:
        raise ArtefactError("the model file is larger than any model of this kind")
    plain = _read_plain(octets)
    try:
        if plain["format"] != FORMAT:
            raise ArtefactError("the model file has another format than this version reads")
        topics = _lines(plain["topics"])
        extras = _lines(plain["extras"])
        fields = {
            name: FieldTerms(_lines(plain["fields"][name]["terms"]), _array(plain["fields"][name]["idf"]))
            for name in FIELDS
        }
        heads = {name: _head_in(plain["heads"][name]) for name in ("topic", "urgent", "automatic")}
        thresholds = {name: float(plain["thresholds"][name]) for name in ("urgent", "automatic")}
        places = RankerWeights(
            _lines(plain["places"]["terms"]),
            _array(plain["places"]["weights"]),
            _lines(plain["places"]["several_terms"]),
            _array(plain["places"]["several"]),
        )
        acceptance = AcceptanceWeights(
            _lines(plain["acceptance"]["names"]),
            _array(plain["acceptance"]["weights"]),
            float(plain["acceptance"]["slope"]),
            tuple(map(float, plain["acceptance"]["limits"])),
            tuple(map(float, plain["acceptance"]["thresholds"])),
        )
    except ArtefactError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError("the model file lacks a part or has one of the wrong kind") from error
    weights = Weights(
        topics,
        fields,
        extras,
        heads["topic"],
        heads["urgent"],
        thresholds["urgent"],
        heads["automatic"],
        thresholds["automatic"],
        places,
        acceptance,
    )
    _check_fit(weights)
    return weights


def digest(octets: bytes) -> str:
    """SHA-256 of the artefact, hexadecimal."""
    return hashlib.sha256(octets).hexdigest()


_EPOCH = (1980, 1, 1, 0, 0, 0)


def _heads(weights: Weights) -> Mapping[str, Head]:
    return {"topic": weights.topic, "urgent": weights.urgent, "automatic": weights.automatic}


def _head_out(head: Head) -> dict[str, Any]:
    return {
        "coefficients": head.coefficients,
        "intercepts": head.intercepts,
        "temperature": head.temperature,
    }


def _head_in(plain: Mapping[str, Any]) -> Head:
    return Head(_array(plain["coefficients"]), _array(plain["intercepts"]), float(plain["temperature"]))


def _lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise ArtefactError("the model file has no text where terms belong")
    return tuple(value.split("\n")) if value else ()


def _array(value: object) -> np.ndarray[Any, np.dtype[np.float32]]:
    if not isinstance(value, np.ndarray) or value.dtype != np.float32 or not np.isfinite(value).all():
        raise ArtefactError("the model file has no finite numbers where weights belong")
    return value


def _read_plain(octets: bytes) -> Mapping[str, Any]:
    try:
        return read_plain(octets)
    except ForeignContentError as error:
        raise ArtefactError(f"the file is not a model of ours: {error}") from error


def _check_fit(weights: Weights) -> None:
    _check_pairs(weights)
    width = len(weights.extras)
    for field in weights.fields.values():
        if field.idf.shape != (len(field.terms),):
            raise ArtefactError("the model file has terms without weights")
        width += len(field.terms)
    for name, head in _heads(weights).items():
        outputs = len(weights.topics) if name == "topic" else 1
        if head.coefficients.shape != (outputs, width) or head.intercepts.shape != (outputs,):
            raise ArtefactError("the model file has weights that do not fit its terms")
        if not head.temperature > 0:
            raise ArtefactError("the model file has a temperature that is not above zero")


def _check_pairs(weights: Weights) -> None:
    pairs = (
        (weights.places.terms, weights.places.weights),
        (weights.places.several_terms, weights.places.several),
        (weights.acceptance.names, weights.acceptance.weights),
    )
    if any(numbers.shape != (len(names),) for names, numbers in pairs):
        raise ArtefactError("the model file has terms without weights")
    if len(weights.acceptance.limits) != len(weights.acceptance.thresholds):
        raise ArtefactError("the model file has promises without thresholds")


def _normalised(octets: bytes) -> bytes:
    """Skops writes object addresses and the time of day into the archive: number them, drop the time."""
    source = zipfile.ZipFile(io.BytesIO(octets))
    schema = json.loads(source.read("schema.json"))
    files: dict[str, str] = {}
    _renumber(schema, files, [0])
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for old, new in files.items():
            target.writestr(_entry(new), source.read(old), zipfile.ZIP_DEFLATED, 6)
        text = json.dumps(schema, ensure_ascii=True, sort_keys=True)
        target.writestr(_entry("schema.json"), text, zipfile.ZIP_DEFLATED, 6)
    return result.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    return entry


def _renumber(node: Any, files: dict[str, str], counter: list[int]) -> None:
    if isinstance(node, dict):
        if "__id__" in node:
            counter[0] += 1
            node["__id__"] = counter[0]
        if node.get("__loader__") == "NdArrayNode" and isinstance(node.get("file"), str):
            node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
        for value in node.values():
            _renumber(value, files, counter)
    elif isinstance(node, list):
        for value in node:
            _renumber(value, files, counter)
