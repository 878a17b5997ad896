"""Reads a skops archive that holds nothing but text, numbers, lists, mappings and numeric arrays.

Enters octets, leaves plain values. Refused, with :class:`ForeignContentError`: every other kind of node,
without looking at what it names. Skops itself writes our models; it can read them too, but importing
it brings the whole of scikit-learn into every worker (1.1 s and 98 MB, measured), for thirteen arrays.
The format is that of ``skops.io`` protocol 2; a test reads every shipped model both ways.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

PROTOCOL = 2
LARGEST = 200_000_000
"""Octets that an archive may unfold to."""


class ForeignContentError(ValueError):
    """The archive holds something that is no plain value."""


def read_plain(octets: bytes) -> Mapping[str, Any]:
    """The mapping at the root. Raises :class:`ForeignContentError`; runs nothing from the archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise ForeignContentError("the archive unfolds to more than any model of this kind")
            schema = json.loads(archive.read("schema.json"))
            if not isinstance(schema, dict) or schema.get("protocol") != PROTOCOL:
                raise ForeignContentError("the archive is of another protocol")
            plain = _value(schema, archive)
    except ForeignContentError:
        raise
    except (zipfile.BadZipFile, OSError, EOFError, KeyError, TypeError, ValueError, RecursionError) as error:
        # Also what zlib and numpy raise on a damaged archive; nothing of it has been run.
        raise ForeignContentError("the archive is damaged") from error
    except Exception as error:
        raise ForeignContentError("the archive cannot be read") from error
    if not isinstance(plain, dict):
        raise ForeignContentError("the archive does not hold a mapping")
    return plain


def _value(node: Mapping[str, Any], archive: zipfile.ZipFile) -> Any:
    kind = (node["__module__"], node["__class__"], node["__loader__"])
    if kind == ("builtins", "dict", "DictNode"):
        _check_keys(node["key_types"])
        return {str(key): _value(value, archive) for key, value in node["content"].items()}
    if kind == ("builtins", "list", "ListNode"):
        return [_value(value, archive) for value in node["content"]]
    if kind == ("builtins", "str", "JsonNode"):
        value = json.loads(node["content"])
        if value is None or isinstance(value, str | int | float):
            return value
    if kind == ("numpy", "ndarray", "NdArrayNode") and node["type"] == "numpy":
        return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
    raise ForeignContentError("the archive names a type other than text, numbers, lists and arrays")


def _check_keys(node: Mapping[str, Any]) -> None:
    """Keys of another type than text would be called with the written key: here they are refused."""
    if node["__loader__"] != "ListNode" or any(
        (key["__module__"], key["__class__"], key["__loader__"]) != ("builtins", "str", "TypeNode")
        for key in node["content"]
    ):
        raise ForeignContentError("the archive has keys that are no text")
