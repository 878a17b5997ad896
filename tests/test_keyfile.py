"""The key file: what is read of it, and what is said of one that cannot be used."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidTag

from triage.keyfile import KeyFileError, new_key, read_keys, written
from triage.settings import SettingsError, load_settings

ENOUGH = {
    "TRIAGE_SMTP_HOST": "smtp.example.org",
    "TRIAGE_SMTP_USER": "ufficio",
    "TRIAGE_SMTP_PASSWORD": "x",
}


def test_what_was_written_is_read_again_in_its_order() -> None:
    keys = (new_key(), new_key())
    assert read_keys(written(keys)) == keys
    assert read_keys("\n# a comment\n" + written(keys)) == keys


def test_a_key_shows_nothing_of_itself() -> None:
    key = new_key()
    assert repr(key) == f"MasterKey(id={key.id!r})"


def test_what_one_key_locks_only_it_opens_and_only_as_what_it_is() -> None:
    key, other = new_key(), new_key()
    locked = key.lock(b"data", "data key 1")
    assert key.open(locked, "data key 1") == b"data"
    for opener, about in ((other, "data key 1"), (key, "data key 2")):
        with pytest.raises(InvalidTag):
            opener.open(locked, about)


def altered_key() -> str:
    """A line whose key has one octet that is not as it was."""
    key = new_key()
    octets = bytes([key.octets[0] ^ 1]) + key.octets[1:]
    return f"{key.id} {base64.b64encode(octets).decode()}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no key"),
        ("# only a comment", "holds no key"),
        ("abc", "line 1 is not 'ID KEY'"),
        ("\nabc def ghi", "line 2 is not 'ID KEY'"),
        ("abc not-base64!", "line 1 is not what its id says"),
        (altered_key(), "line 1 is not what its id says"),
        (written([key := new_key(), key]), "stands there twice"),
    ],
    ids=["nothing", "a comment", "one word", "three words", "no base64", "another key", "twice"],  # keys are by chance
)
def test_a_file_that_cannot_be_used_says_which_line_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(KeyFileError, match=said):
        read_keys(text)
    with pytest.raises(SettingsError, match=r"TRIAGE_KEY"):
        load_settings(ENOUGH | {"TRIAGE_KEY": text}, "w")


def test_settings_hold_the_keys_and_do_not_show_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("keys") / "key"
    keys = (new_key(), new_key())
    path.write_text(written(keys), encoding="utf-8")
    settings = load_settings(ENOUGH | {"TRIAGE_KEY_FILE": str(path)}, "w")
    assert settings.keys == keys
    assert base64.b64encode(keys[0].octets).decode() not in repr(settings.keys)
    assert load_settings(ENOUGH, "w").keys == ()


def test_a_missing_file_is_told() -> None:
    with pytest.raises(SettingsError, match="TRIAGE_KEY_FILE names a file that cannot be read"):
        load_settings(ENOUGH | {"TRIAGE_KEY_FILE": "/nowhere/key"}, "w")
