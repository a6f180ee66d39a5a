"""Numbers are known without a database, and never lie open on the disk."""

from pathlib import Path

import pytest

from app.bus import Bus
from app.db import Database
from app.hotlines import Hotlines
from app.keys import Keyring, new_key
from app.tenants import Tenant, Tenants
from app.voice.snapshot import FILE, Snapshot

WARSAW = "+48221234567"


@pytest.fixture
def hotlines(database: Database, bus: Bus, tenants: Tenants) -> Hotlines:
    return Hotlines(database, bus, tenants)


@pytest.fixture
async def known(hotlines: Hotlines, tenant: Tenant) -> Hotlines:
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("s3cret-token",))
    await hotlines.add("acme", WARSAW, name="Acme Stays", language="pl")
    return hotlines


async def test_a_number_is_found_with_what_its_webhooks_are_signed_with(
    known: Hotlines, tmp_path: Path
):
    snapshot = Snapshot(known, Keyring((new_key(),)), tmp_path)
    await snapshot.refresh()
    number = snapshot.find(WARSAW)
    assert number is not None
    assert (number.tenant_id, number.account_sid, number.auth_tokens) == (
        "acme", "AC1", ("s3cret-token",),
    )  # fmt: skip
    assert snapshot.find("+48220000000") is None


async def test_it_is_read_from_disk_when_the_database_is_away(known: Hotlines, tmp_path: Path):
    keyring = Keyring((new_key(),))
    before = Snapshot(known, keyring, tmp_path)
    await before.refresh()
    after = Snapshot(known, keyring, tmp_path)
    after.load()
    assert after.numbers == before.numbers


async def test_the_file_is_closed_and_for_us_alone(known: Hotlines, tmp_path: Path):
    snapshot = Snapshot(known, Keyring((new_key(),)), tmp_path)
    await snapshot.refresh()
    kept = tmp_path / FILE
    assert b"s3cret" not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_file_that_cannot_be_opened_is_made_anew(
    hotlines: Hotlines, tmp_path: Path, content: bytes | None
):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    snapshot = Snapshot(hotlines, Keyring((new_key(),)), tmp_path)
    snapshot.load()
    assert snapshot.numbers == ()


async def test_a_number_without_a_carrier_rings_nowhere(
    hotlines: Hotlines, tenant: Tenant, tmp_path: Path
):
    await hotlines.add("acme", WARSAW, name="Acme", language="en")
    snapshot = Snapshot(hotlines, Keyring((new_key(),)), tmp_path)
    await snapshot.refresh()
    assert snapshot.find(WARSAW) is None
