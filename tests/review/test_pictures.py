"""The staff guide's pictures can be taken of the page as it is now: each step of the guide leads where it says."""

from __future__ import annotations

from pathlib import Path

from deploy.papers.pictures import BEFORE, HEIGHT, PICTURES, WIDTH, take_all
from tests.conftest import require_installed


def test_every_step_of_the_guide_leads_to_its_picture(tmp_path: Path) -> None:
    taken = require_installed(lambda: take_all(tmp_path))
    assert [path.stem for path in taken] == [picture.name for picture in (BEFORE, *PICTURES)]
    for path in taken:
        octets = path.read_bytes()
        assert octets[:8] == b"\x89PNG\r\n\x1a\n"
        # Width and height stand in the first chunk (PNG specification, section 11.2.1).
        assert (int.from_bytes(octets[16:20]), int.from_bytes(octets[20:24])) == (WIDTH, HEIGHT), path.name
