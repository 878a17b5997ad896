"""``python -m deploy.papers``: write what is made: ``pages``, the bill of materials (``sbom``), the pictures."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.papers.inventory import bill_of_materials, licences_page
from deploy.papers.parts import build_lock, service_lock
from deploy.papers.quality import PAGE, quality_page
from deploy.papers.reference import ROOT, pages


def made() -> dict[str, str]:
    """Every committed text that is made, by its path."""
    documents = {f"docs/{name}": text for name, text in {**pages(), "licences.md": licences_page()}.items()}
    return {**documents, PAGE: quality_page(), "deploy/service.lock": service_lock(), "deploy/build.lock": build_lock()}


@click.group()
def main() -> None:
    """Documents that are made and not written."""


@main.command("pages")
def write_pages() -> None:
    """The administrator's reference, the tables of quality, the licences, the parts of the lock that servers need."""
    for name, text in made().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(path.relative_to(ROOT))


@main.command("sbom")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def write_bill(path: Path) -> None:
    """The bill of materials of the service (CycloneDX 1.6, JSON)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(bill_of_materials(), encoding="utf-8")
    click.echo(path)


@main.command("pictures")
def write_pictures() -> None:
    """The pictures of the staff guide, taken of the running page in Chromium, into docs/immagini/."""
    from deploy.papers.pictures import (
        take_all,
    )  # a browser and the tests' office, which the other commands need not load

    for path in take_all(ROOT / "docs" / "immagini"):
        click.echo(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
