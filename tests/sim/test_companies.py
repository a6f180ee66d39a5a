"""What the story reads of its companies' folders."""

from pathlib import Path

import pytest

from app.sim.companies import hours_before_arrival
from app.sim.playhouse import ROOT


@pytest.mark.parametrize(("name", "hours"), [("warsaw", 24), ("dubai", 48)])
def test_each_company_gives_codes_so_long_before_check_in(name: str, hours: int) -> None:
    folder: Path = ROOT / "app" / "sim" / "tenants" / name
    assert hours_before_arrival(folder) == hours
