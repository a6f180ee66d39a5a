"""Where the story's processes live."""

from pathlib import Path

import aiohttp
import pytest

from app.sim.playhouse import Playhouse, free_ports, opened, plain_environment


def test_ports_are_all_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5


def test_another_nightdesks_settings_and_keys_do_not_reach_the_story(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIGHTDESK_DATABASE_URL", "postgresql://real")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    monkeypatch.setenv("LANG", "pl_PL.UTF-8")
    environment = plain_environment()
    assert "NIGHTDESK_DATABASE_URL" not in environment
    assert "OPENAI_API_KEY" not in environment
    assert environment["LANG"] == "pl_PL.UTF-8"


async def test_the_product_is_pointed_at_the_stand_ins_alone(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        house = Playhouse(tmp_path, http)
    bases = [value for name, value in house.environment().items() if name.endswith("__BASE_URL")]
    assert len(bases) == 3
    assert all(base.startswith(house.sim_url) for base in bases)


async def test_a_house_leaves_no_folder() -> None:
    async with opened() as house:
        folder = house.folder
        assert folder.is_dir()
    assert not folder.exists()
