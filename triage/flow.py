"""One message, start to end, on one page.

::

    mailbox --list--> LISTED --fetch--> RECEIVED --decide--> DECIDED --dispatch--> FORWARDED --file--> FILED
                        |                  |           \\-- nothing to send ------------------^
               VANISHED, OVERSIZE,    QUARANTINED, HELD <-- refused, outcome unknown, taken by a colleague
               UNREADABLE, BASELINE

Each arrow is one transaction on the message's row plus its audit row (``record``). The stages are:

====================  ==========================================  =================================
stage                 claims                                      module
====================  ==========================================  =================================
intake and filing     the mailbox, by lease                       ``intake.reader``
decide                received messages, by lease and epoch       ``decider``
dispatch              dispatches, by lease and epoch              ``dispatch.stage``
====================  ==========================================  =================================

The table below is the whole of what may follow what; the ledger holds every change against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage.vocabulary import MessageState as S

TRANSITIONS: Mapping[S, frozenset[S]] = {
    S.BASELINE: frozenset({S.LISTED}),
    S.LISTED: frozenset({S.RECEIVED, S.HELD, S.MATCHED, S.VANISHED, S.OVERSIZE, S.UNREADABLE}),
    S.RECEIVED: frozenset({S.DECIDED, S.HELD, S.QUARANTINED, S.MATCHED}),
    S.DECIDED: frozenset({S.FORWARDED, S.FILED, S.HELD, S.RECEIVED}),
    # What was sent may come back: a report of failure, or a project's hand-back.
    S.FORWARDED: frozenset({S.FILED, S.HELD}),
    # A person's `triage retry` sends these through the flow again.
    # A held one whose new appearance goes on instead has no work of its own left.
    S.HELD: frozenset({S.RECEIVED, S.MATCHED}),
    S.QUARANTINED: frozenset({S.RECEIVED}),
    S.OVERSIZE: frozenset({S.LISTED, S.CLOSED}),
    S.UNREADABLE: frozenset({S.LISTED, S.CLOSED}),
    # Taken back in time.
    S.CLOSED: frozenset({S.OVERSIZE, S.UNREADABLE}),
    # The daily comparison found it: the server had only seemed not to have it.
    S.VANISHED: frozenset({S.LISTED}),
    # What is kept no longer loses its octets; its row stays.
    S.MATCHED: frozenset({S.ERASED}),
    S.FILED: frozenset({S.HELD, S.ERASED}),
    S.ERASED: frozenset(),
}
"""What may follow each state."""
