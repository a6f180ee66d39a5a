"""`nightdesk drafts`: replies that wait for a person's word."""

import click

from app.cli.connection import at_desk
from app.cli.printing import json_option, shortened, show_json, show_table


@click.group("drafts")
def noun() -> None:
    """Replies that wait for a person's word: list, send, drop."""


@noun.command("list")
@click.argument("tenant")
@json_option
def list_drafts(tenant: str, *, as_json: bool) -> None:
    """Show a tenant's drafts, the oldest first."""
    drafts = at_desk(lambda desk: desk.operators.drafts(tenant))
    if as_json:
        show_json(drafts)
        return
    show_table(
        ("ID", "CONVERSATION", "WRITTEN", "TEXT"),
        [(d.id, d.conversation_id, d.created_at, shortened(d.text, 90)) for d in drafts],
        nothing="no drafts",
    )


@noun.command("send")
@click.argument("tenant")
@click.argument("draft_id", metavar="ID", type=int)
@click.option("--text", help="Other words than the bot's.")
def send_draft(tenant: str, draft_id: int, text: str | None) -> None:
    """Let a draft go, as it stands or in other words."""
    at_desk(lambda desk: desk.operators.send_draft(tenant, draft_id, text=text))
    click.echo(f"draft {draft_id} is on its way; the running app sends it")


@noun.command("drop")
@click.argument("tenant")
@click.argument("draft_id", metavar="ID", type=int)
def drop_draft(tenant: str, draft_id: int) -> None:
    """Throw a draft away."""
    at_desk(lambda desk: desk.operators.drop_draft(tenant, draft_id))
    click.echo(f"draft {draft_id} was thrown away")
