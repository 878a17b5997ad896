"""Attachments as the page lists them: what may be a program is said to be doubtful."""

from __future__ import annotations

import pytest

from triage.review.files import listed_files
from triage.vocabulary import Attachment


@pytest.mark.parametrize(
    ("name", "doubtful"),
    [
        *((f"modulo.{one}", True) for one in ("docm", "hta", "iso", "lnk", "url", "xlsm", "EXE", "zip")),
        *((f"modulo.{one}", False) for one in ("docx", "pdf", "xlsx", "jpg")),
    ],
)
def test_files_that_may_hold_a_program_are_doubtful(name: str, doubtful: bool) -> None:
    (listed,) = listed_files(
        [Attachment(file_name=name, content_type="application/octet-stream", size=1, inline=False)]
    )
    assert listed.doubtful is doubtful
