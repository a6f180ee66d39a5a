"""Keys: what was closed opens with every key of the ring, and with no other."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import BadInput, Forbidden
from app.keys import KEY_FILE, Keyring, new_key, new_token, process_keyring

OLD, NEW = new_key(), new_key()


def test_what_was_closed_opens_again_and_cannot_be_read_meanwhile() -> None:
    ring = Keyring((OLD,))
    closed = ring.close("kod 4711 ż".encode())
    assert b"4711" not in closed
    assert ring.open(closed).decode() == "kod 4711 ż"
    assert ring.close(b"x") != ring.close(b"x")


def test_a_mapping_opens_as_it_was_and_nothing_is_an_empty_mapping() -> None:
    ring = Keyring((OLD,))
    assert ring.open_mapping(ring.close_mapping({"door_code": "4711"})) == {"door_code": "4711"}
    assert ring.open_mapping(None) == {}


def test_rotation_new_key_first_then_closed_anew_then_the_old_one_dropped() -> None:
    closed = Keyring((OLD,)).close(b"secret")
    both = Keyring((NEW, OLD))
    assert both.open(closed) == b"secret"
    with pytest.raises(Forbidden):
        Keyring((NEW,)).open(closed)
    anew = both.rotate(closed)
    assert Keyring((NEW,)).open(anew) == b"secret"
    with pytest.raises(Forbidden):
        Keyring((OLD,)).open(anew)


@pytest.mark.parametrize("place", [0, 9, 30, -1])
def test_what_was_tampered_with_does_not_open(place: int) -> None:
    ring = Keyring((OLD,))
    closed = bytearray(ring.close(b"secret value"))
    closed[place] = ord("A") if closed[place] != ord("A") else ord("B")
    with pytest.raises(Forbidden):
        ring.open(bytes(closed))


@pytest.mark.parametrize("keys", [(), ("",), ("short",), (OLD, "nö" * 20)])
def test_a_malformed_key_is_refused_with_the_command_that_makes_one(keys: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="nightdesk key new"):
        Keyring(keys)


def test_a_digest_is_the_same_for_the_same_words_of_the_same_ring_only() -> None:
    ring = Keyring((OLD,))
    assert ring.digest("hello") == ring.digest("hello")
    assert len(ring.digest("hello")) == 16
    assert ring.digest("hello") != ring.digest("hallo")
    assert ring.digest("hello") != Keyring((NEW,)).digest("hello")


def test_a_digest_stays_what_it_is_while_a_newer_key_is_put_in_front() -> None:
    assert Keyring((NEW, OLD)).digest("hello") == Keyring((OLD,)).digest("hello")


def test_a_signed_token_gives_its_payload_back_also_after_rotation() -> None:
    token = Keyring((OLD,)).sign({"case": 7, "until": 1776081600})
    assert Keyring((NEW, OLD)).verify(token) == {"case": 7, "until": 1776081600}
    with pytest.raises(Forbidden):
        Keyring((NEW,)).verify(token)


def test_a_changed_payload_or_signature_is_refused() -> None:
    ring = Keyring((OLD,))
    body, signature = ring.sign({"case": 7}).split(".")
    other, _ = ring.sign({"case": 8}).split(".")
    for forged in (
        f"{other}.{signature}", f"{body}.{signature[:-1]}", f"{body}.", body, "", ".", "..",
        f"{body}.{signature}.{signature}", f"{body}=.{signature}", f"{body}.zażółć", "\ud800.x",
        "é.é",
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            ring.verify(forged)


def test_tokens_are_long_and_differ() -> None:
    assert len({new_token() for _ in range(50)}) == 50
    assert len(new_token()) >= 32


def test_configured_keys_are_used_and_no_file_is_made(tmp_path: Path) -> None:
    ring = process_keyring(f" {NEW}, {OLD},", data_dir=tmp_path / "data", is_embedded=True)
    assert ring.open(Keyring((OLD,)).close(b"x")) == b"x"
    assert Keyring((NEW,)).open(ring.close(b"y")) == b"y"
    assert not (tmp_path / "data").exists()


def test_beside_the_embedded_servers_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    place = tmp_path / "data"
    closed = process_keyring(None, data_dir=place, is_embedded=True).close(b"x")
    assert process_keyring(None, data_dir=place, is_embedded=True).open(closed) == b"x"
    assert stat.S_IMODE((place / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert [path.name for path in place.iterdir()] == [KEY_FILE]


def test_of_many_starts_at_once_all_hold_the_same_key(tmp_path: Path) -> None:
    def ring(_: int) -> Keyring:
        return process_keyring(None, data_dir=tmp_path, is_embedded=True)

    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(ring, range(8)))
    closed = rings[0].close(b"x")
    assert [each.open(closed) for each in rings] == [b"x"] * 8


def test_an_external_database_without_a_key_is_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"NIGHTDESK_ENCRYPTION_KEYS.*nightdesk key new"):
        process_keyring(None, data_dir=tmp_path, is_embedded=False)
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BadInput, match="key file"):
        process_keyring(None, data_dir=blocked / "data", is_embedded=True)
    os.unlink(blocked)
