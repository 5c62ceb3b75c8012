"""Tokens of links: who may do what, for how long."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.errors import StartError
from scada.core.value import SECOND_US
from scada.notify.links import LinkSigner, load_key

NOW_US = 1_790_000_000 * SECOND_US
KEY = b"k" * 32
SIGNER = LinkSigner(KEY, 3600 * SECOND_US)


@given(st.text(max_size=60), st.integers(0, 2**62), st.text(max_size=40))
def test_what_was_signed_comes_back(alarm: str, raised_us: int, contact: str) -> None:
    link = SIGNER.read(SIGNER.make(alarm, raised_us, contact, NOW_US), NOW_US)
    assert link is not None
    assert (link.alarm, link.raised_us, link.contact, link.expired) == (alarm, raised_us, contact, False)


def test_a_token_expires() -> None:
    token = SIGNER.make("A.B", 7, "Ann", NOW_US)
    for seconds, expired in ((0, False), (3599, False), (3600, True), (10**6, True)):
        link = SIGNER.read(token, NOW_US + seconds * SECOND_US)
        assert link is not None
        assert link.expired is expired


@given(st.data())
def test_no_changed_token_passes(data: st.DataObject) -> None:
    token = SIGNER.make("Depot.CP01.Online", 7, "Ann", NOW_US)
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.characters(codec="utf-8")) + token[place + 1 :]
    link = SIGNER.read(changed, NOW_US)
    # The last character of base64 carries bits that mean nothing: another spelling of the same token may pass.
    assert link is None or (link.alarm, link.raised_us, link.contact) == ("Depot.CP01.Online", 7, "Ann")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "é", "x" * 100_000, "\x00", "W10.W10"])
def test_what_is_no_token(token: str) -> None:
    assert SIGNER.read(token, NOW_US) is None


def test_another_key_or_purpose_does_not_count() -> None:
    from itsdangerous import URLSafeSerializer

    token = SIGNER.make("A", 7, "Ann", NOW_US)
    assert LinkSigner(b"x" * 32, 3600 * SECOND_US).read(token, NOW_US) is None
    foreign = URLSafeSerializer(KEY, salt="another purpose").dumps(["A", 7, "Ann", 2_000_000_000])
    assert SIGNER.read(str(foreign), NOW_US) is None


def test_the_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    assert len(key) == 32
    assert load_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "links.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["links.key"]


def test_a_file_that_holds_no_key_is_said(tmp_path: Path) -> None:
    (tmp_path / "links.key").write_bytes(b"short")
    with pytest.raises(StartError, match=r"does not hold a key: delete it"):
        load_key(tmp_path)
    with pytest.raises(StartError, match=r"cannot be read or written"):
        load_key(tmp_path / "nowhere")
