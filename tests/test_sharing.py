"""Who reads which mailbox: shares add up, and nothing moves once everybody has theirs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from triage.sharing import Share, divide, share_of

WORKERS = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=7, unique=True)
NAMES = st.lists(st.text("xyz", min_size=1, max_size=4), max_size=20, unique=True)


@given(WORKERS, st.integers(0, 400))
def test_the_shares_add_up_to_all_mailboxes_and_differ_by_one_at_most(workers: list[str], mailboxes: int) -> None:
    shares = [share_of(one, workers, mailboxes) for one in workers]
    assert sum(shares) == mailboxes
    assert max(shares) - min(shares) <= 1


def test_who_is_alone_reads_everything_and_gives_half_to_the_second() -> None:
    boxes = ("crema", "mantova", "suzzara")
    assert divide("uno", ("uno",), boxes, {}, ()) == Share(boxes, ())
    reads = dict.fromkeys(boxes, "uno")
    assert divide("uno", ("due", "uno"), boxes, reads, boxes) == Share((), ("mantova", "suzzara"))
    assert divide("due", ("due", "uno"), boxes, reads, ()) == Share((), ())
    # Free, since given up: the second may take both that are its part.
    assert divide("due", ("due", "uno"), boxes, {"crema": "uno"}, ()) == Share(("mantova", "suzzara"), ())


def test_what_another_has_taken_or_nobody_configures_any_more_is_given_up() -> None:
    boxes = ("crema", "mantova")
    assert divide("uno", ("uno", "due"), boxes, {"crema": "due"}, ("crema", "viadana")) == Share(
        ("mantova",), ("crema", "viadana")
    )


@given(WORKERS, NAMES, st.data())
def test_whoever_reads_what_at_first_all_have_their_part_in_the_end(
    workers: list[str], names: list[str], data: st.DataObject
) -> None:
    """Each looks in turn, whatever the order, and what one gives up is free for the next."""
    reads = {name: data.draw(st.sampled_from(workers)) for name in names if data.draw(st.booleans())}
    for _ in range(3):
        for one in data.draw(st.permutations(workers)):
            mine = [name for name, reader in reads.items() if reader == one]
            share = divide(one, workers, names, reads, mine)
            reads = {name: reader for name, reader in reads.items() if name not in share.give}
            reads |= dict.fromkeys(share.take, one)
    assert {one: list(reads.values()).count(one) for one in workers} == {
        one: share_of(one, workers, len(names)) for one in workers
    }
    for one in workers:
        mine = [name for name, reader in reads.items() if reader == one]
        assert divide(one, workers, names, reads, mine) == Share((), ())
