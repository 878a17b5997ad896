"""Write the configuration of a private Dovecot, 2.3 or 2.4 (their formats are incompatible).

:class:`DovecotPlan` enters; files below its directory leave. Whatever may slow a test is switched
off: fsync, the delay after a wrong password, the penalty for an address that guesses.
"""

from __future__ import annotations

import base64
import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.servers.authority import Certificate

# Dovecot 2.3 can only replace the whole list; 2.4 can take single names away.
_CAPABILITIES_2_3 = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE "
    "SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"
)

_CHROOTED = ("anvil", "imap-login", "stats", "indexer-worker")


@dataclass(frozen=True, slots=True)
class DovecotPlan:
    """How one private Dovecot is to be; ``hidden`` capabilities are not announced (upper case)."""

    directory: Path
    port: int
    tls_port: int
    certificate: Certificate
    token_key: bytes
    storage: Literal["maildir", "mdbox"]
    hidden: frozenset[str]
    extra: str

    @property
    def config_path(self) -> Path:
        return self.directory / "dovecot.conf"

    @property
    def log_path(self) -> Path:
        return self.directory / "log"

    @property
    def mail_path(self) -> Path:
        return self.directory / "mail"

    @property
    def users_path(self) -> Path:
        return self.directory / "users"


def mail_owner() -> tuple[int, int]:
    """User and group that own the mail: ourselves, or ``nobody`` for root (Dovecot refuses uid 0)."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def write_config(plan: DovecotPlan, version: str) -> None:
    """Write ``dovecot.conf`` and what it names; ``version`` is the answer of ``dovecot --version``."""
    for path in (plan.mail_path, plan.users_path, plan.directory / "keys/default/HS256"):
        path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(plan.mail_path, *mail_owner())
    (plan.directory / "keys/default/HS256/default").write_bytes(base64.b64encode(plan.token_key))
    is_old = version.startswith("2.3.")
    if is_old:
        (plan.directory / "oauth2.conf").write_text(
            "introspection_mode = local\n"
            f"local_validation_key_dict = fs:posix:prefix={plan.directory}/keys/\n"
            "username_attribute = sub\n"
        )
    text = _shared(plan) + (_only_2_3(plan) if is_old else _only_2_4(plan)) + _services(plan, is_old) + plan.extra
    if not is_old:
        text = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" + text
    plan.config_path.write_text(text)


def _shared(plan: DovecotPlan) -> str:
    return f"""\
base_dir = {plan.directory}/run
state_dir = {plan.directory}/state
log_path = {plan.log_path}
listen = 127.0.0.1
protocols = imap
ssl = yes
first_valid_uid = 1
mail_fsync = never
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
mail_max_userip_connections = 1000
namespace inbox {{
  inbox = yes
}}
"""


def _only_2_3(plan: DovecotPlan) -> str:
    uid, gid = mail_owner()
    folder = "Maildir" if plan.storage == "maildir" else "mdbox"
    text = f"""\
ssl_cert = <{plan.certificate.certificate_path}
ssl_key = <{plan.certificate.key_path}
disable_plaintext_auth = no
mail_location = {plan.storage}:{plan.mail_path}/%u/{folder}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {plan.directory}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = username_format=%u {plan.users_path}/%u
}}
userdb {{
  driver = static
  args = allow_all_users=yes uid={uid} gid={gid} home={plan.mail_path}/%u
}}
"""
    if plan.hidden:
        shown = (name for name in _CAPABILITIES_2_3.split() if name not in plan.hidden)
        text += f"imap_capability = {' '.join(shown)}\n"
    return text


def _only_2_4(plan: DovecotPlan) -> str:
    uid, gid = mail_owner()
    folder = "Maildir" if plan.storage == "maildir" else "mdbox"
    hidden = "".join(f"  {name} = no\n" for name in sorted(plan.hidden))
    return f"""\
ssl_server_cert_file = {plan.certificate.certificate_path}
ssl_server_key_file = {plan.certificate.key_path}
auth_allow_cleartext = yes
mail_driver = {plan.storage}
mail_home = {plan.mail_path}/%{{user}}
mail_path = {plan.mail_path}/%{{user}}/{folder}
mailbox_list_layout = {"maildir++" if plan.storage == "maildir" else "fs"}
oauth2 {{
  introspection_mode = local
  username_attribute = sub
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {plan.directory}/keys/
      }}
    }}
  }}
}}
passdb passwd-file {{
  passwd_file_path = {plan.users_path}/%{{user}}
}}
userdb static {{
  allow_all_users = yes
  fields {{
    uid = {uid}
    gid = {gid}
    home = {plan.mail_path}/%{{user}}
  }}
}}
imap_capability {{
{hidden}}}
"""


def _services(plan: DovecotPlan, is_old: bool) -> str:
    reuse = "service_count = 0" if is_old else "restart_request_count = unlimited"
    text = f"""\
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  {reuse}
  process_min_avail = 1
  client_limit = 1000
  inet_listener imap {{
    port = {plan.port}
  }}
  inet_listener imaps {{
    port = {plan.tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 1000
}}
"""
    if os.geteuid() != 0:
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
        text += f"default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n"
        text += "".join(f"service {name} {{\n  chroot =\n}}\n" for name in _CHROOTED)
    return text
