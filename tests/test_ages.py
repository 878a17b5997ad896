"""How old a message is: the oldest that anybody says, unless it cannot be true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triage.ages import written_at

SEEN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LONG_AGO = SEEN - timedelta(days=400)
HOP = "from a.example by b.example; "


@pytest.mark.parametrize(
    ("internal_date", "date", "received", "expected"),
    [
        (SEEN, SEEN, [], SEEN),
        (LONG_AGO, SEEN, [], LONG_AGO),
        (SEEN, LONG_AGO, [HOP + "Sat, 28 Nov 2026 11:00:00 +0000"], LONG_AGO),
        (SEEN, None, [HOP + "Sat, 01 Nov 2025 13:00:00 +0100"], datetime(2025, 11, 1, 12, 0, tzinfo=UTC)),
        # Older hops were other people's mailboxes.
        (SEEN, None, [HOP + "Sat, 28 Nov 2026 12:00:00 +0000", HOP + "Sat, 01 Nov 2025 13:00:00 +0100"], SEEN),
        (SEEN, datetime(1970, 1, 1, tzinfo=UTC), [], SEEN),
        (None, SEEN + timedelta(days=9), [], SEEN),
        (None, None, [HOP + "yesterday"], SEEN),
        (None, None, ["; Sat, 99 Nov 2026 11:00:00 +9999", ""], SEEN),
    ],
)
def test_age_is_the_oldest_that_may_be_true(
    internal_date: datetime | None, date: datetime | None, received: list[str], expected: datetime
) -> None:
    assert written_at(SEEN, internal_date, date, received) == expected
