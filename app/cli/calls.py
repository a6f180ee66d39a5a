"""`nightdesk calls`: who called, what was said, and how long each step took."""

from datetime import datetime
from typing import Any

import click

from app.bots.decisions import Decision, decisions_of
from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, show_facts, show_json, show_table
from app.conversations import SpokenTurn
from app.errors import NotFound
from app.hotlines import masked
from app.pms.stay import Stays
from app.voice.calls import Call


@click.group("calls")
def noun() -> None:
    """Telephone calls: list, show."""


@noun.command("list")
@click.argument("tenant")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True)
@json_option
def list_calls(tenant: str, limit: int, *, as_json: bool) -> None:
    """Show a tenant's calls, the newest first; the middle of callers' numbers is hidden."""

    async def find(desk: Desk) -> list[Call]:
        await desk.tenants.get(tenant)
        return await desk.calls.recent(tenant, last=limit)

    calls = at_desk(find)
    if as_json:
        show_json([_summary(call) for call in calls])
        return
    show_table(
        ("ID", "STARTED", "SECONDS", "CALLER", "HOTLINE", "STAY", "ASSURANCE", "ENDED"),
        [
            (
                call.conversation_id, call.started_at, _seconds(call), _caller(call),
                call.hotline_e164, call.reservation_id, call.assurance,
                call.because or "it is running",
            )
            for call in calls
        ],
        nothing="no calls",
    )  # fmt: skip


@noun.command("show")
@click.argument("tenant")
@click.argument("call", metavar="CALL")
@json_option
def show_call(tenant: str, call: str, *, as_json: bool) -> None:
    """Show a call by its id or CallSid: every turn, when, and what was decided.

    Times of turns count from the start of the call, stages from the moment the caller fell silent.
    """

    async def find(desk: Desk) -> tuple[Call, list[SpokenTurn], list[Decision], str | None]:
        found, turns = await desk.calls.get(tenant, call)
        owner = await desk.tenants.get(tenant)
        door = await desk.database.tenant(tenant)
        async with door.transaction() as conn:
            decisions = await decisions_of(conn, owner.keyring, found.conversation_id)
        return found, turns, decisions, await _stay(desk, tenant, found)

    found, turns, decisions, stay = at_desk(find)
    if as_json:
        show_json({**_summary(found), "turns": turns, "decisions": decisions})
        return
    _show_head(found, stay)
    click.echo()
    known = {decision.id: decision for decision in decisions}
    for turn in turns:
        _show_turn(turn, found.started_at, known)
    if decisions:
        click.echo(f"\nwhy in full: nightdesk decisions {tenant} {found.conversation_id}")


def _show_head(call: Call, stay: str | None) -> None:
    seconds = _seconds(call)
    doubtful = ", which the carrier does not vouch for" if call.is_doubtful else ""
    show_facts(
        [
            ("call", call.conversation_id),
            ("CallSid", call.call_sid),
            ("caller", f"{_caller(call)}{doubtful}"),
            ("hotline", call.hotline_e164),
            ("stay", stay),
            ("assurance", call.assurance),
            ("language", call.language),
            ("started", call.started_at),
            ("duration", None if seconds is None else f"{seconds} s"),
            ("ended", call.because or "it is running"),
            ("AI disclosed", call.disclosed_at),
        ]
    )


def _show_turn(turn: SpokenTurn, began: datetime, decisions: dict[int, Decision]) -> None:
    spoken = turn.spoken
    length = (spoken.ended_at - turn.said_at).total_seconds() if spoken.ended_at else None
    lasted = "      " if length is None else f"{length:5.1f}s"
    at = _since(began, turn.said_at)
    click.echo(f"{at:>8} {lasted}  {turn.speaker:<8}  {turn.text}")
    more = []
    if spoken.is_cut:
        heard = "" if spoken.heard_ms is None else f" after {spoken.heard_ms} ms"
        more.append(f"cut off{heard}")
    if spoken.stages:
        stages = sorted(spoken.stages.items(), key=lambda stage: stage[1])
        told = ", ".join(f"{name.removesuffix('_ms')} {ms}" for name, ms in stages)
        more.append(f"ms after silence: {told}")
    if turn.speaker == "bot" and (decision := decisions.get(turn.decision_id or 0)) is not None:
        more.append(_decided(decision))
    for line in more:
        click.echo(f"{'':27}{line}")


def _decided(decision: Decision) -> str:
    by = f"{decision.outcome} by {decision.origin}"
    bot = f", {decision.bot}" if decision.bot else ""
    code = decision.action_code or "no code"
    return f"decision {decision.id}: {code}, {by}{bot}, library {decision.library_version}"


def _since(began: datetime, moment: datetime) -> str:
    minutes, seconds = divmod(max(0.0, (moment - began).total_seconds()), 60)
    return f"{minutes:.0f}:{seconds:04.1f}"


def _caller(call: Call) -> str:
    return masked(call.caller_e164) if call.caller_e164 else "withheld"


def _seconds(call: Call) -> int | None:
    if call.ended_at is None:
        return None
    return round((call.ended_at - call.started_at).total_seconds())


def _summary(call: Call) -> dict[str, Any]:
    return {
        "id": call.conversation_id,
        "call_sid": call.call_sid,
        "caller": _caller(call),
        "is_doubtful": call.is_doubtful,
        "hotline": call.hotline_e164,
        "reservation_id": call.reservation_id,
        "assurance": call.assurance,
        "language": call.language,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "seconds": _seconds(call),
        "because": call.because,
        "disclosed_at": call.disclosed_at,
    }


async def _stay(desk: Desk, tenant_id: str, call: Call) -> str | None:
    """Whose stay it was, as the mirror has it now; none for a stranger."""
    if call.reservation_id is None:
        return None
    tenant = await desk.tenants.get(tenant_id)
    door = await desk.database.tenant(tenant_id)
    try:
        async with door.transaction() as conn:
            stay = await Stays().of_reservation(conn, tenant, call.reservation_id, desk.clock.now())
    except NotFound:
        return f"reservation {call.reservation_id}, which the mirror has no more"
    booked = stay.reservation
    dates = f"{booked.arrival_on:%Y-%m-%d} to {booked.departure_on:%Y-%m-%d}"
    return f"{booked.guest_name or 'a guest'}, {stay.listing.name}, {dates}"
