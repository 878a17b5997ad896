"""``python -m benchmarks.pseudonyms [--developed] [--show]``: what the pseudonymiser masks of what it should.

Recall by kind on messages that had no part in writing its rules (``--developed``: on those that had), each with its
number of cases and a 95 % interval (Wilson); how many other words it masks, and how many places it leaves.
"""

from __future__ import annotations

import argparse

from tests.pseudonyms.marked import DEVELOPED, HELD_OUT, read_marked, score
from triage.classify.territory import load_gazetteer
from triage.learning.figures import wilson


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--developed", action="store_true", help="the half that the rules were written with")
    arguments.add_argument("--show", action="store_true", help="name what was missed and what was masked wrongly")
    chosen = arguments.parse_args()
    messages = read_marked(DEVELOPED if chosen.developed else HELD_OUT)
    found = score(messages, load_gazetteer())
    print(f"{len(messages)} invented messages, {sum(found.marked.values())} marked spans")
    for kind, marked in [*found.marked.most_common(), ("all", sum(found.marked.values()))]:
        right = sum(found.found.values()) if kind == "all" else found.found[kind]
        share = wilson(right, marked)
        told = f"{100 * right / marked:5.1f} %  ({100 * (share.low or 0):.1f} to {100 * (share.high or 0):.1f})"
        print(f"{kind:16} {right:4} of {marked:4}  {told}")
    wrong = f"{100 * len(found.wrong) / found.words:5.1f} %"
    print(f"{'other words':16} {len(found.wrong):4} of {found.words:4}  {wrong} masked")
    print(f"{'places':16} {found.places_kept:4} of {found.places:4} left as they are")
    if chosen.show:
        print("missed:", *found.missed, sep="\n  ")
        print("masked wrongly:", *found.wrong, sep="\n  ")


if __name__ == "__main__":
    main()
