"""format=flowed (RFC 3676): lines that end in a space go on in the next line."""

from __future__ import annotations

_SIGNATURE = ("-- ", "--")


def unflow(text: str, delete_space: bool) -> str:
    """Joins flowed lines; quote depth stays in front, as "> " or ">> ". ``delete_space`` is DelSp=yes."""
    out: list[str] = []
    open_line: list[str] = []
    open_depth = 0

    def close() -> None:
        nonlocal open_line
        if open_line:
            out.append(_quoted(open_depth, "".join(open_line)))
            open_line = []

    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing (section 4.4)
        if open_line and (depth != open_depth or content in _SIGNATURE):
            close()
        if content.endswith(" ") and content not in _SIGNATURE:
            open_depth = depth
            open_line.append(content[:-1] if delete_space else content)
            continue
        if open_line:
            open_line.append(content)
            close()
        else:
            out.append(_quoted(depth, content))
    close()
    return "\n".join(out)


def _quoted(depth: int, content: str) -> str:
    return ">" * depth + " " + content if depth else content
