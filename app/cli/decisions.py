"""`nightdesk decisions`: why each answer of a conversation was given."""

import click

from app.bots.decisions import Decision, decisions_of
from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, show_facts, show_json


@click.command("decisions")
@click.argument("tenant")
@click.argument("conversation", type=int)
@json_option
def noun(tenant: str, conversation: int, *, as_json: bool) -> None:
    """Show why each answer of a conversation was given, the oldest first.

    With --json also the stay as seen and every request to a model.
    """

    async def find(desk: Desk) -> list[Decision]:
        door = await desk.database.tenant(tenant)
        keyring = (await desk.tenants.get(tenant)).keyring
        async with door.transaction() as conn:
            await desk.conversations.get(conn, conversation)
            return await decisions_of(conn, keyring, conversation)

    decisions = at_desk(find)
    if as_json:
        show_json(decisions)
        return
    if not decisions:
        click.echo("no decisions")
    for number, decision in enumerate(decisions):
        if number:
            click.echo()
        _show(decision)


def _show(decision: Decision) -> None:
    score = "" if decision.score is None else f" ({decision.score:.2f})"
    models = ", ".join(f"{call['model']} {call['total_ms']} ms" for call in decision.calls)
    show_facts(
        [
            ("decision", decision.id),
            ("at", decision.decided_at),
            ("outcome", f"{decision.outcome}, by {decision.origin}"),
            ("because", decision.because),
            ("action code", f"{decision.action_code or '-'}{score}"),
            ("reasoning", decision.reasoning or None),
            ("bot", decision.bot),
            ("library", f"version {decision.library_version}"),
            ("access", (decision.stay or {}).get("access")),
            ("models", models or None),
            ("language", decision.language),
            ("trace", decision.trace_id),
            ("question", decision.question),
            ("answer", decision.answer),
        ]
    )
