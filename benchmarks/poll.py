"""What one look at a mailbox costs when exactly one new message is there."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.inbox import ROOT, messages, rules_text
from tests.servers.dovecot import Dovecot
from triage.bootstrap import build_service, settings_from

LOOKS = 20


def poll_cost(dovecot: Dovecot, size: int) -> str:
    """One line: the median time of a pass that lists and fetches one new message among ``size``."""
    user = dovecot.add_user(f"poll{size}@example.org")
    small = b"From: a@example.org\r\nSubject: x\r\n\r\nx\r\n"
    dovecot.deliver_fast(user.name, (small for _ in range(size)))
    new = list(messages(LOOKS + 3))
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(rules_text(), encoding="utf-8")
        service = build_service(
            settings_from(
                {
                    "TRIAGE_STATE_DIR": folder,
                    "TRIAGE_RULES": str(rules),
                    "TRIAGE_MODEL": str(ROOT / "models/model.skops"),
                    "TRIAGE_IMAP_HOST": "127.0.0.1",
                    "TRIAGE_IMAP_PORT": str(dovecot.port),
                    "TRIAGE_IMAP_TLS": "plain",
                    "TRIAGE_IMAP_USER": user.name,
                    "TRIAGE_IMAP_PASSWORD": user.password,
                    "TRIAGE_SMTP_HOST": "127.0.0.1",
                    "TRIAGE_SMTP_TLS": "plain",
                    "TRIAGE_SMTP_LOGIN": "none",
                }
            )
        )
        reader = service.make_reader("generale")
        reader.work()
        times = []
        for octets in new:
            dovecot.deliver(user.name, octets)
            begin = time.perf_counter()
            assert reader.work() == 2  # listed and fetched
            times.append(time.perf_counter() - begin)
        reader.close()
        service.store.close()
    kept = sorted(times[3:])
    return (
        f"a look that finds one new message among {size:>7}: median {statistics.median(kept) * 1000:.1f} ms "
        f"[{kept[0] * 1000:.1f}-{kept[-1] * 1000:.1f}] of {len(kept)}"
    )
