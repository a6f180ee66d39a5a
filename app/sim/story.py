"""`make demo`: the stand-ins, the product beside them, eight threads and six calls, for real.

Ends with status 0 after `--once`, with 1 when a scene failed; without it everything keeps running
until Ctrl-C. The product is a child process, reached by its command, its pages and HTTP only.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

from app.sim.act import Act, Tenant
from app.sim.bookings import Booking, book, leaked
from app.sim.call_scenes import CALL_SCENES
from app.sim.children import ChildEnded
from app.sim.companies import CONFIRMED_S, make_companies
from app.sim.playhouse import Playhouse, opened
from app.sim.rows import Row
from app.sim.scenes import SCENES, Scene
from app.sim.stage import Check, Played, Stage
from app.sim.story_calls import play_calls, prepare
from app.sim.witness import NotSeen

STAGGER_S = 2.0
"""A scene begins so long after the one before: the real rate limits stand."""
FAILED, STOPPED = 1, 130
_LOG_TAIL = 15


async def tell(stage: Stage, *, is_once: bool) -> int:
    """The whole story; gives the exit status."""
    began = time.monotonic()
    async with opened() as house:
        try:
            await _open(stage, house)
            scenes = await house.while_alive(_play(stage, house))
        except (ChildEnded, NotSeen) as problem:
            _explain(stage, house, str(problem))
            return FAILED
        is_good = all(played.is_good for played in scenes)
        stage.title(f"The whole story took {time.monotonic() - began:.0f} s")
        stage.summary(scenes)
        if not is_good:
            _explain(stage, house, "not every scene went as it should")
        if is_once:
            return 0 if is_good else FAILED
        try:
            await _keep_serving(stage, house)
        except ChildEnded as problem:
            _explain(stage, house, str(problem))
        return FAILED


async def _open(stage: Stage, house: Playhouse) -> None:
    """Both processes up, both tenants made, every scene's guest known to the product."""
    stage.title("Nightdesk, the story: guests' messages and calls, and what they are answered")
    stage.say("  starting the stand-ins and the product …")
    await house.start()
    state = (await house.witness.sim("GET", "/hostaway/state"))["accounts"].values()
    homes, stays = (sum(one[what] for one in state) for what in ("listings", "reservations"))
    stage.facts(
        [
            (
                "stand-ins",
                f"{house.sim_url}  (ready in {house.sim_took_s:.1f} s: a PMS of {len(state)} "
                f"accounts, {homes} listings, {stays:,} reservations, with its real rate limits; "
                "Slack; a telephone carrier; a language model)",
            ),
            (
                "product",
                f"{house.public_url} and {house.desk_url}  (ready in {house.product_took_s:.1f} s, "
                "with PostgreSQL and Valkey of its own)",
            ),
            ("model", "a stand-in that reads the prompt; its answers are labelled as such"),
        ]
    )


async def _play(stage: Stage, house: Playhouse) -> list[Played]:
    wishes = [scene.wish for scene in (*SCENES, *CALL_SCENES)]
    bookings = await book(house.witness, wishes)
    written, spoken = bookings[: len(SCENES)], bookings[len(SCENES) :]
    preparing = asyncio.create_task(prepare(house, spoken))
    await house.witness.follow_product(house.desk_url, house.desk_token)
    await house.witness.sim(
        "POST", "/product", {"url": house.desk_url, "live_token": house.desk_token}
    )
    tenants = {tenant.account: tenant for tenant in await make_companies(stage, house)}
    await _until_known(house)
    stage.say("  making what callers will say …")
    engines = await preparing
    stage.title("Eight scenes")
    tasks = [
        asyncio.create_task(_act(house, tenants, number, scene, booking))
        for number, (scene, booking) in enumerate(zip(SCENES, written, strict=True))
    ]
    scenes: list[Played] = []
    try:
        for task in tasks:
            scenes.append(await task)
            stage.scene(scenes[-1])
        scenes += await play_calls(stage, house, tenants, spoken, engines)
    finally:
        for task in tasks:
            task.cancel()
    scenes.append(await _afterwards(house, bookings))
    stage.scene(scenes[-1])
    return scenes


async def _act(
    house: Playhouse, tenants: dict[int, Tenant], number: int, scene: Scene, booking: Booking
) -> Played:
    await asyncio.sleep(number * STAGGER_S)
    act = Act(
        witness=house.witness,
        nightdesk=house.nightdesk,
        tenant=tenants[booking.account],
        booking=booking,
        window=timedelta(seconds=CONFIRMED_S),
    )
    return await scene.run(act)


async def _until_known(house: Playhouse) -> None:
    """Until the product has its webhooks at both accounts and the newest reservations."""

    async def is_known() -> bool:
        accounts = (await house.witness.sim("GET", "/hostaway/state"))["accounts"].values()
        return all(
            one["webhooks"] and one["requests"].get("listings") and has_read_stays(one["requests"])
            for one in accounts
        )

    await house.witness.until_asked(is_known, "the first look at the PMS")
    await asyncio.sleep(1.0)  # what was fetched last is being written


def has_read_stays(requests: dict[str, int]) -> bool:
    """Whether a pass has brought the newest reservations, which come first.

    One request may be the pass over unread threads, which finds none yet.
    """
    return requests.get("reservations", 0) >= 2


async def _afterwards(house: Playhouse, bookings: Sequence[Booking]) -> Played:
    """What must not be anywhere when all is over."""
    secrets = [secret for booking in bookings for secret in booking.secrets]
    log = house.log.read_text(encoding="utf-8", errors="replace")
    slack = await house.witness.sim("GET", "/slack/messages")
    state = await house.witness.sim("GET", "/hostaway/state")
    accounts = state["accounts"].values()
    asked = sum(sum(one["requests"].values()) for one in accounts)
    throttled = sum(one["throttled"] for one in accounts)
    posts = json.dumps(slack["messages"], ensure_ascii=False)
    in_log, in_slack = leaked(log, secrets), leaked(posts, secrets)
    checks = (
        Check(
            claim=f"no code, no password in {len(log.splitlines())} lines of the product's log",
            is_met=not in_log,
            saw=", ".join(in_log),
        ),
        Check(
            claim=f"nor in {slack['count']} posts to Slack",
            is_met=not in_slack,
            saw=", ".join(in_slack),
        ),
    )
    return Played(
        letter="·",
        title="Afterwards",
        setting=f"the product made {asked} requests to the PMS; {throttled} were too early (429)",
        lines=(),
        checks=checks,
    )


async def _keep_serving(stage: Stage, house: Playhouse) -> None:
    """Say where to look, and stay until the product ends or somebody stops it."""
    posts = (await house.witness.sim("GET", "/slack/messages"))["messages"]
    bearer = f"-H 'Authorization: Bearer {house.desk_token}'"
    stage.title("Everything keeps running until Ctrl-C; look around")
    stage.places(
        [
            ("call the hotline", f"{house.sim_url}/sim/phone/"),
            ("write as a guest", f"{house.sim_url}/sim/guest"),
            ("what Slack received", f"{house.sim_url}/sim/slack/messages"),
            ("an open case", newest_link(posts) or "its link comes with the next alert"),
            ("", "(such a link works once, for ten minutes; it also opens the next page)"),
            ("all cases", f"{house.desk_url}/cases"),
            ("without a link", f"curl {bearer} {house.desk_url}/cases"),
            ("live feed", f"curl -N {bearer} {house.desk_url}/live"),
            ("product's log", str(house.log)),
        ]
    )
    await house.while_alive(asyncio.Event().wait())


def newest_link(messages: Sequence[Row]) -> str:
    """The link of the newest post that still offers to open something; empty where none does."""
    for post in reversed(messages):
        for block in post["message"].get("blocks", ()):
            for element in block.get("elements", ()):
                if isinstance(element, dict) and "/open/" in str(element.get("url")):
                    return str(element["url"])
    return ""


def _explain(stage: Stage, house: Playhouse, problem: str) -> None:
    """Say what went wrong, with the end of the product's log."""
    stage.title(f"✗ {problem}")
    for child in (house.sim, house.product):
        if child is not None and (tail := child.tail(_LOG_TAIL)):
            state = "" if child.is_alive else ", which has ended"
            stage.say(f"  the end of {child.log} ({child.name}{state}):")
            for line in tail:
                stage.say(f"    {line}")


def main(arguments: Sequence[str]) -> int:
    """Tell the story; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.sim.story", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    wanted = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    stage = Stage(sys.stdout, has_colours=sys.stdout.isatty())
    return asyncio.run(_until_stopped(stage, is_once=wanted.once))


async def _until_stopped(stage: Stage, *, is_once: bool) -> int:
    """The story, ended in order by Ctrl-C and SIGTERM."""
    telling = asyncio.create_task(tell(stage, is_once=is_once))
    is_stopped = False

    def stop() -> None:
        nonlocal is_stopped
        if not is_stopped:
            is_stopped = True
            stage.say("\n  ending …")
            telling.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        return await telling
    except asyncio.CancelledError:
        return STOPPED if is_once else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
