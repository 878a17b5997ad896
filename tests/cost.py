"""For tests of what work costs the processor."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_others_garbage() -> Iterator[None]:
    """What thousands of other tests left behind is not searched for garbage meanwhile; what is made here is."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
