"""``python -m tests.corpus``: write every message and the README from ``cases``; nothing else is touched.

``python -m tests.corpus look [group]``: print what is read otherwise than the cases say.
"""

from __future__ import annotations

import sys

from tests.corpus import writing
from tests.hostile.facts import differences


def main(arguments: list[str]) -> int:
    """Write, or look."""
    if arguments[:1] != ["look"]:
        writing.write()
        return 0
    different = 0
    for group in writing.groups():
        if arguments[1:] and group.name not in arguments[1:]:
            continue
        for case in group.cases:
            found = differences(case)
            different += bool(found)
            for line in found:
                print(f"{group.name}/{case.name}: {line}")
    print(f"{different} differ")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
