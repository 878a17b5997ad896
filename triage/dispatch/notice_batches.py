"""The batches of notices that are on their way: each channel sends in a thread of its own, one batch at a time.

What sends a batch enters; how it failed leaves, by the thread that asks next. What a channel takes long over goes on
behind, and the others are free. The threads are daemons: none of them keeps the process from ending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from triage.record.staff_notices import Channel


class Batch(threading.Thread):
    """One channel's rows of one round; what ended it early is kept for whoever asks."""

    def __init__(self, channel: Channel, send: Callable[[], None]) -> None:
        super().__init__(name=f"notices {channel}", daemon=True)
        self._send = send
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send them."""
        try:
            self._send()
        except BaseException as error:  # noqa: BLE001 - raised where the stage is asked to work next
            self.error = error


class Batches:
    """At most one batch a channel; used by one thread."""

    def __init__(self) -> None:
        self._running: dict[Channel, Batch] = {}

    def free(self) -> list[Channel]:
        """Channels that may take a batch."""
        return [channel for channel in Channel if channel not in self._running]

    def start(self, channel: Channel, send: Callable[[], None]) -> Batch:
        """Let a free channel send its rows."""
        batch = Batch(channel, send)
        batch.start()
        self._running[channel] = batch
        return batch

    def reap(self) -> None:
        """Free the channels whose batch has ended. Raises what ended one early; another one's the next time."""
        for channel, batch in list(self._running.items()):
            if not batch.is_alive():
                del self._running[channel]
                if batch.error is not None:
                    raise batch.error

    def settle(self) -> bool:
        """Wait for all that are on their way, each with the time-outs of its server; whether there was any."""
        running = list(self._running.values())
        for batch in running:
            batch.join()
        return bool(running)

    def close(self, seconds: float) -> None:
        """Wait for them, together only so long; nobody asks any more how they ended."""
        wait_together(self._running.values(), seconds)


def wait_together(batches: Iterable[Batch], seconds: float) -> None:
    """Wait until all have ended or time is up."""
    limit = time.monotonic() + seconds
    for batch in batches:
        batch.join(max(0.0, limit - time.monotonic()))
