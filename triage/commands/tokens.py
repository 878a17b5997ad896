"""``triage check``: does each account that logs in by OAuth get its token, and do its secrets end soon?

Asks each token server once. A dead token is one sentence among the others: every other check is
made all the same (failures F76).
"""

from __future__ import annotations

from triage.commands.findings import Findings
from triage.rules import Rules
from triage.settings import Account, Settings, SettingsError
from triage.tokens import Tokens, TokenTroubleError
from triage.tokens.watch import ALARM, SUBMISSION, accounts_of


def prove_tokens(settings: Settings, rules: Rules, tokens: Tokens, found: Findings) -> frozenset[str]:
    """Ask for every account's token; the subjects of those that get none (a mailbox's name, or whose else)."""
    dead = set()
    for subject, account_of in accounts_of(settings, rules.mailboxes).items():
        try:
            account = account_of()
        except SettingsError:
            continue  # told with the settings
        where = subject if subject in (SUBMISSION, ALARM) else f"mailbox {subject}"
        if account.oauth is not None and not _prove(account, where, tokens, found):
            dead.add(subject)
        found.warnings.extend(f"{where}: {sentence}" for sentence in tokens.endings(account))
    return frozenset(dead)


def _prove(account: Account, where: str, tokens: Tokens, found: Findings) -> bool:
    try:
        tokens.secret_of(account)
    except TokenTroubleError as trouble:
        (found.failures if trouble.passes else found.errors).append(f"{where}: {trouble}")
        return False
    found.notes.append(f"{where}: the token server gives a token")
    return True
