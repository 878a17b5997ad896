"""Instants in the words of staff: Rome's clock, short where it is near, exact where it is far."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
_DAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
_MONTHS = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
    *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
)


def when(moment: datetime, now: datetime) -> str:
    """``oggi alle 14:32``, ``ieri alle 9:05``, ``giovedì 26 novembre alle 14:32``, with the year when it is another."""
    here, today = moment.astimezone(ROME), now.astimezone(ROME).date()
    clock = f"{here.hour}:{here.minute:02}"
    clock = f"{_at(clock)}{clock}"
    days = (today - here.date()).days
    near = {0: "oggi", 1: "ieri", -1: "domani"}.get(days)
    if near is not None:
        return f"{near} {clock}"
    year = f" {here.year}" if here.year != today.year else ""
    return f"{_DAYS[here.weekday()]} {here.day} {_MONTHS[here.month - 1]}{year} {clock}"


def exactly(moment: datetime) -> str:
    """``il 26 novembre 2026 alle 14:32``, for what is read long after."""
    date, clock = day(moment), clock_time(moment)
    on = "l'" if date.startswith(("8 ", "11 ")) else "il "
    return f"{on}{date} {_at(clock)}{clock}"


def day(moment: datetime) -> str:
    """``26 novembre 2026``."""
    here = moment.astimezone(ROME)
    return f"{here.day} {_MONTHS[here.month - 1]} {here.year}"


def clock_time(moment: datetime) -> str:
    """``14:32``."""
    here = moment.astimezone(ROME)
    return f"{here.hour}:{here.minute:02}"


def _at(clock: str) -> str:
    # "All'una" is the only hour that is one.
    return "all'" if clock.startswith("1:") else "alle "


def lasted(span: timedelta) -> str:
    """``3 minuti``, ``5 ore``, ``2 giorni``: how long something has waited, in one unit."""
    minutes = max(0, int(span.total_seconds() // 60))
    for size, one, many in ((1440, "giorno", "giorni"), (60, "ora", "ore")):
        if minutes >= size:
            number = minutes // size
            return f"{number} {one if number == 1 else many}"
    return "meno di un minuto" if minutes == 0 else f"{minutes} {'minuto' if minutes == 1 else 'minuti'}"
