"""`nightdesk cases`: what needs a person, and what a person does about it."""

import click

from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, shortened, show_facts, show_json, show_table
from app.conversations import Turn
from app.escalation.records import Case

as_option = click.option("--as", "operator", metavar="NAME", required=True, help="Who you are.")


@click.group("cases")
def noun() -> None:
    """What needs a person: list, show, take, reply, resolve."""


@noun.command("list")
@click.argument("tenant")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones as well.")
@json_option
def list_cases(tenant: str, *, with_resolved: bool, as_json: bool) -> None:
    """Show a tenant's cases, the newest first."""
    cases = at_desk(lambda desk: desk.cases.list(tenant, with_resolved=with_resolved))
    if as_json:
        show_json(cases)
        return
    show_table(
        ("ID", "SEVERITY", "STATE", "ASSIGNEE", "OPENED", "MESSAGE"),
        [
            (c.id, c.severity, c.state, c.assignee, c.opened_at, shortened(c.trigger_text))
            for c in cases
        ],
        nothing="no cases",
    )


@noun.command("show")
@click.argument("tenant")
@click.argument("case_id", metavar="ID", type=int)
@json_option
def show_case(tenant: str, case_id: int, *, as_json: bool) -> None:
    """Show a case, its history and the conversation."""

    async def find(desk: Desk) -> tuple[Case, list[Turn]]:
        door = await desk.database.tenant(tenant)
        async with door.transaction() as conn:
            case = await desk.cases.get(conn, case_id)
            return case, await desk.conversations.transcript(conn, case.conversation_id, last=30)

    case, turns = at_desk(find)
    if as_json:
        show_json({"case": case, "turns": turns})
        return
    show_facts(
        [
            ("case", case.id),
            ("severity", case.severity),
            ("state", case.state),
            ("assignee", case.assignee),
            ("conversation", case.conversation_id),
            ("opened", case.opened_at),
            ("message", case.trigger_text),
            ("brief", case.brief or None),
        ]
    )
    click.echo("\nhistory")
    for change in case.history:
        click.echo(
            f"  {change['at'][:19]}Z  {change['what']} by {change['by']} ({change['route']})"
        )
    click.echo("\nconversation")
    for turn in turns:
        click.echo(f"  {turn.said_at:%Y-%m-%d %H:%M:%S}Z  {turn.speaker}: {turn.text}")


@noun.command("take")
@click.argument("tenant")
@click.argument("case_id", metavar="ID", type=int)
@as_option
def take_case(tenant: str, case_id: int, operator: str) -> None:
    """Take a case over; the bot is silent from then on."""
    _, in_flight = at_desk(
        lambda desk: desk.operators.take(tenant, case_id, operator=operator, route="cli")
    )
    click.echo(f"{operator} has case {case_id}; the bot is silent")
    if in_flight is not None:
        click.echo(f"a reply of the bot was on its way: {in_flight}")


@noun.command("reply")
@click.argument("tenant")
@click.argument("case_id", metavar="ID", type=int)
@click.argument("text")
@as_option
def reply(tenant: str, case_id: int, text: str, operator: str) -> None:
    """Take a case over and write to the guest."""
    outbox_id = at_desk(
        lambda desk: desk.operators.reply(tenant, case_id, text, operator=operator, route="cli")
    )
    click.echo(f"reply {outbox_id} is on its way; the running app sends it")


@noun.command("resolve")
@click.argument("tenant")
@click.argument("case_id", metavar="ID", type=int)
@as_option
def resolve_case(tenant: str, case_id: int, operator: str) -> None:
    """Close a case; the bot may speak again."""
    at_desk(lambda desk: desk.cases.resolve(tenant, case_id, operator=operator, route="cli"))
    click.echo(f"case {case_id} is resolved; the bot may speak again")
