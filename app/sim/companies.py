"""The story's two rental companies, made by the command `nightdesk` beside the running product."""

import asyncio
import tomllib
from pathlib import Path

from app.sim.act import Tenant
from app.sim.exchange import account_sid_of, auth_token_of
from app.sim.numbers import HOTLINES, connect_numbers
from app.sim.playhouse import ROOT, Playhouse
from app.sim.scenes import CHANNEL_TEXT, DUBAI, WARSAW
from app.sim.stage import Stage
from app.sim.witness import NotSeen

CONFIRMED_S, OTHER_S, ARRIVAL_S = 4, 2, 1
"""Quiet windows of the story."""
_TENANTS = ((WARSAW, "warsaw", "Warsaw"), (DUBAI, "dubai", "Dubai"))


async def make_companies(stage: Stage, house: Playhouse) -> list[Tenant]:
    """Both companies, side by side; they are on when this returns.

    Raises:
        NotSeen: a command failed.
    """
    stage.title("Two rental companies, made by the command line beside the running product")
    made = await asyncio.gather(
        *(_make_company(stage, house, account, name, city) for account, name, city in _TENANTS)
    )
    await connect_numbers(house)
    stage.say()
    stage.facts(
        [
            (
                "shortened",
                f"quiet windows for the story: confirmed guests 120 s and 90 s → {CONFIRMED_S} s, "
                f"others 5 s → {OTHER_S} s, an access question on arrival day 10 s → {ARRIVAL_S} s",
            )
        ]
    )
    return made


async def _make_company(
    stage: Stage, house: Playhouse, account: int, name: str, city: str
) -> Tenant:
    folder = ROOT / "app" / "sim" / "tenants" / name

    async def nightdesk(*words: str, **secret: str) -> None:
        done = await house.nightdesk(*words, **secret)
        says = " ".join(word if " " not in word else f"'{word}'" for word in words)
        says = says.replace(f"{ROOT}/", "")
        output = done.output.replace(f"{ROOT}/", "")
        stage.command(f"nightdesk {says}", output, done.took_s)
        if done.status != 0:
            raise NotSeen(f"nightdesk {says} ended with {done.status}: {output}")

    await nightdesk("tenant", "import", str(folder))
    await nightdesk(
        "tenant", "account", name, "--external-id", str(account),
        NIGHTDESK_CLIENT_SECRET=f"sim-secret-{account}",
    )  # fmt: skip
    await nightdesk(
        "tenant", "slack", name, "--team", f"T{account}", SLACK_BOT_TOKEN=f"xoxb-sim-{account}"
    )
    await nightdesk(
        "tenant", "set", name,
        f"chat.window_confirmed_s={CONFIRMED_S}",
        f"chat.window_other_s={OTHER_S}",
        f"chat.window_arrival_access_s={ARRIVAL_S}",
        f'chat.automatic_texts=["{CHANNEL_TEXT}"]',
    )  # fmt: skip
    await nightdesk(
        "hotline", "carrier", name, "--account-sid", account_sid_of(account), "--local",
        NIGHTDESK_CARRIER_TOKEN=auth_token_of(account),
    )  # fmt: skip
    for owner, number, called, language in HOTLINES:
        if owner == account:
            await nightdesk(
                "hotline", "add", name, number, "--name", called, "--language", language
            )
    await nightdesk("tenant", "mode", name, "on")
    return Tenant(
        id=name,
        city=city,
        account=account,
        team=f"T{account}",
        hours_before_arrival=hours_before_arrival(folder),
    )


def hours_before_arrival(folder: Path) -> float:
    """How long before check-in a company gives codes, by its folder."""
    settings = tomllib.loads((folder / "tenant.toml").read_text(encoding="utf-8"))["settings"]
    return float(settings["access"]["hours_before_arrival"])
