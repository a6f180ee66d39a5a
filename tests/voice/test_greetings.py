"""Greetings are made before anybody calls, for every language, and anew after a change."""

from pathlib import Path
from typing import Any, cast

import pytest

from app.background import Background
from app.bus import Bus
from app.db import Database
from app.hotlines import Hotlines
from app.keys import Keyring, new_key
from app.tenants import Tenant, Tenants
from app.voice.audio import LINE_RATE
from app.voice.greetings import Greetings
from app.voice.local_speech import LocalSpeech
from app.voice.snapshot import Snapshot
from app.voice.speech import Voices
from tests.voice.telephone import TypedVoices

HOTLINE = "+48221234567"
LANGUAGES = ("en", "pl", "de", "ar")


class Desk:
    """One hotline, its greetings, and whoever changes them."""

    def __init__(self, snapshot: Snapshot, tenants: Tenants, hotlines: Hotlines) -> None:
        self.voices = TypedVoices()
        self.snapshot, self.tenants, self.hotlines = snapshot, tenants, hotlines
        self.greetings = Greetings(
            snapshot=snapshot, tenants=tenants, voices=cast("Voices", self.voices)
        )

    async def refresh(self) -> None:
        await self.snapshot.refresh()
        self.voices.spoken.clear()
        await self.greetings.prepare()

    async def has(self, language: str) -> bool:
        number = self.snapshot.find(HOTLINE)
        assert number is not None
        tenant = await self.tenants.get("acme")
        return self.greetings.of(tenant, number, language).sound is not None


@pytest.fixture
async def desk(
    database: Database, bus: Bus, tenants: Tenants, tenant: Tenant, tmp_path: Any
) -> Desk:
    hotlines = Hotlines(database, bus, tenants)
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("x",))
    await hotlines.add("acme", HOTLINE, name="Acme Stays", language="pl")
    desk = Desk(Snapshot(hotlines, Keyring((new_key(),)), tmp_path), tenants, hotlines)
    await desk.refresh()
    return desk


async def test_every_language_of_the_tenant_is_ready_the_hotlines_own_first(desk: Desk):
    assert [await desk.has(language) for language in LANGUAGES] == [True] * 4
    assert desk.voices.spoken[0].startswith("Dzień dobry, tu asystent")


async def test_what_stands_is_not_made_again(desk: Desk):
    await desk.refresh()
    assert desk.voices.spoken == []


async def test_another_voice_or_server_means_other_greetings(desk: Desk):
    for change in ({"voice.tts_voice": "ash"}, {"voice.base_url": "http://127.0.0.1:9/v1"}):
        await desk.tenants.set("acme", change)
        assert not await desk.has("pl")
        await desk.refresh()
        assert await desk.has("pl")


async def test_what_no_hotline_needs_is_forgotten(desk: Desk):
    await desk.hotlines.remove("acme", HOTLINE)
    await desk.refresh()
    assert desk.greetings._made == {}


async def test_the_disclosure_counts_as_heard_only_once_all_of_it_was_played(desk: Desk):
    number = desk.snapshot.find(HOTLINE)
    assert number is not None
    greeting = desk.greetings.of(await desk.tenants.get("acme"), number, "en")
    assert greeting.sound is not None
    assert greeting.disclosure_s is not None
    assert greeting.disclosure_s < len(greeting.sound) / LINE_RATE
    heard = [
        greeting.is_disclosed(greeting.disclosure_s - 0.1, is_cut=True),
        greeting.is_disclosed(greeting.disclosure_s, is_cut=True),
    ]
    assert heard == [False, True]


async def test_a_voice_that_cannot_be_had_leaves_the_others(
    desk: Desk, tmp_path: Path, background: Background
):
    await desk.tenants.set("acme", {"voice.tts": "local"})
    real = Voices(None, LocalSpeech(tmp_path, background, missing=("piper",)))
    greetings = Greetings(snapshot=desk.snapshot, tenants=desk.tenants, voices=real)
    await greetings.prepare()
    number = desk.snapshot.find(HOTLINE)
    assert number is not None
    assert greetings.of(await desk.tenants.get("acme"), number, "pl").sound is None
    await real.close()
