"""`nightdesk tenant`: rental companies, what they decided, and what opens their accounts."""

from pathlib import Path
from typing import Any, get_args

import click

from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, show_facts, show_json, show_table
from app.cli.values import parse_assignments
from app.pms.records import parse_custom_fields
from app.settings import Settings
from app.tenant_folder import export_tenant, import_tenant
from app.tenants import Mode, PmsAccount, Tenant

IMPORTED_BY = "nightdesk tenant import"


@click.group("tenant")
def noun() -> None:
    """Rental companies: add, set, mode, accounts, export, import."""


@noun.command("add")
@click.argument("tenant_id", metavar="ID")
@click.option("--name", required=True, help="As guests know the company.")
def add(tenant_id: str, name: str) -> None:
    """Make a tenant; it starts off."""
    tenant = at_desk(lambda desk: desk.tenants.add(tenant_id, name))
    click.echo(f"tenant {tenant.id} ({tenant.name}) is made, and {tenant.mode}")


@noun.command("list")
@json_option
def list_tenants(*, as_json: bool) -> None:
    """Show every tenant."""
    tenants = at_desk(lambda desk: desk.tenants.all())
    if as_json:
        show_json([_summary(tenant) for tenant in tenants])
        return
    show_table(
        ("ID", "MODE", "LIVE SINCE", "NAME"),
        [(t.id, t.mode, t.live_since, t.name) for t in tenants],
        nothing="no tenants; make one with `nightdesk tenant add`",
    )


@noun.command("show")
@click.argument("tenant_id", metavar="ID")
@json_option
def show(tenant_id: str, *, as_json: bool) -> None:
    """Show a tenant, what it has set, and its accounts; no secrets."""
    facts = at_desk(lambda desk: _facts(desk, tenant_id))
    if as_json:
        show_json(facts)
        return
    show_facts((name, value) for name, value in facts.items() if not isinstance(value, dict | list))
    for name, value in facts["settings"].items():
        click.echo(f"  {name} = {value}")
    for account in facts["accounts"]:
        click.echo(f"  {account['kind']} {account['external_id']}: {account['webhook']}")


@noun.command("remove")
@click.argument("tenant_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(tenant_id: str, *, yes: bool) -> None:
    """Remove a tenant and every row it has."""
    if not yes:
        click.confirm(f"Remove {tenant_id} with all its conversations?", abort=True)
    at_desk(lambda desk: desk.tenants.remove(tenant_id))
    click.echo(f"tenant {tenant_id} is removed")


@noun.command("mode")
@click.argument("tenant_id", metavar="ID")
@click.argument("mode", type=click.Choice(get_args(Mode)))
def set_mode(tenant_id: str, mode: Mode) -> None:
    """Switch a tenant off, to drafts that people send, or on."""
    tenant = at_desk(lambda desk: desk.tenants.set_mode(tenant_id, mode))
    since = f"; nothing before {tenant.live_since:%Y-%m-%d %H:%M:%S}Z is answered"
    click.echo(f"tenant {tenant.id} is {tenant.mode}{since if tenant.live_since else ''}")


@noun.command("set")
@click.argument("tenant_id", metavar="ID")
@click.argument("assignments", metavar="NAME=VALUE…", nargs=-1, required=True)
def set_values(tenant_id: str, assignments: tuple[str, ...]) -> None:
    """Set settings by dotted name, such as chat.window_other_s=8; NAME= takes one back."""
    values = parse_assignments(assignments)

    async def change(desk: Desk) -> dict[str, object]:
        merged = {**await desk.tenants.overrides(tenant_id), **values}
        wanted = {name: value for name, value in merged.items() if value is not None}
        parse_custom_fields(desk.tenants.settings_with(wanted).pms.custom_fields)
        await desk.tenants.set(tenant_id, values)
        return await desk.tenants.overrides(tenant_id)

    overrides = at_desk(change)
    for name in values:
        click.echo(f"{name} = {overrides[name]}" if name in overrides else f"{name}: the default")


@noun.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--id", "tenant_id", help="Another id than the folder's.")
def import_folder(folder: Path, tenant_id: str | None) -> None:
    """Make a tenant what a folder says; nothing changes where anything in it is wrong."""

    async def run(desk: Desk) -> Tenant:
        return await import_tenant(
            folder,
            database=desk.database,
            tenants=desk.tenants,
            libraries=desk.libraries,
            by=IMPORTED_BY,
            tenant_id=tenant_id,
        )

    tenant = at_desk(run)
    click.echo(f"tenant {tenant.id} ({tenant.name}) is as {folder} says, and {tenant.mode}")


@noun.command("export")
@click.argument("tenant_id", metavar="ID")
@click.argument("folder", type=click.Path(path_type=Path))
def export_folder(tenant_id: str, folder: Path) -> None:
    """Write a tenant's settings and library as readable files; no secrets."""

    async def run(desk: Desk) -> None:
        await export_tenant(
            folder,
            tenant_id,
            database=desk.database,
            tenants=desk.tenants,
            libraries=desk.libraries,
        )

    at_desk(run)
    click.echo(f"tenant {tenant_id} is in {folder}")


@noun.command("account")
@click.argument("tenant_id", metavar="ID")
@click.option("--external-id", required=True, help="The account's id at Hostaway.")
@click.option(
    "--client-secret",
    prompt=True,
    hide_input=True,
    envvar="NIGHTDESK_CLIENT_SECRET",
    hidden=True,
    help="Asked for, or from NIGHTDESK_CLIENT_SECRET.",
)
@json_option
def add_account(tenant_id: str, external_id: str, client_secret: str, *, as_json: bool) -> None:
    """Give a tenant its Hostaway account; prints what Hostaway's webhook needs, once.

    The client secret is asked for, or taken from NIGHTDESK_CLIENT_SECRET.
    """

    async def run(desk: Desk) -> tuple[PmsAccount, str]:
        account = await desk.tenants.add_account(
            tenant_id, external_id=external_id, client_secret=client_secret
        )
        return account, _webhook_url(desk.settings, account)

    account, url = at_desk(run)
    login, password = account.webhook_logins[0]
    shown = {"webhook": url, "login": login, "password": password}
    if as_json:
        show_json(shown)
    else:
        show_facts(shown.items())


@noun.command("slack")
@click.argument("tenant_id", metavar="ID")
@click.option("--team", required=True, help="The workspace's id at Slack, T….")
@click.option("--bot-token", prompt=True, hide_input=True, envvar="SLACK_BOT_TOKEN", hidden=True)
def set_slack(tenant_id: str, team: str, bot_token: str) -> None:
    """Tell where a tenant's alerts go.

    The bot token is asked for, or taken from SLACK_BOT_TOKEN.
    """
    at_desk(lambda desk: desk.tenants.set_workspace(tenant_id, team_id=team, bot_token=bot_token))
    click.echo(f"alerts of {tenant_id} go to workspace {team}")


@noun.command("secret")
@click.argument("tenant_id", metavar="ID")
@click.option(
    "--openai-key",
    prompt="OpenAI key",
    hide_input=True,
    envvar="NIGHTDESK_TENANT_OPENAI_KEY",
    hidden=True,
)
def set_secret(tenant_id: str, openai_key: str) -> None:
    """Store a tenant's own key at its model provider, encrypted.

    The key is asked for, or taken from NIGHTDESK_TENANT_OPENAI_KEY.
    """
    values = {"openai_api_key": openai_key}
    at_desk(lambda desk: desk.tenants.set_credentials(tenant_id, values))
    click.echo(f"{tenant_id} uses its own model account")


def _summary(tenant: Tenant) -> dict[str, object]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "mode": tenant.mode,
        "live_since": tenant.live_since,
    }


async def _facts(desk: Desk, tenant_id: str) -> dict[str, Any]:
    tenant = await desk.tenants.get(tenant_id)
    workspace = await desk.tenants.workspace(tenant_id)
    content = await desk.libraries.content(tenant_id)
    return {
        **_summary(tenant),
        "bots": ", ".join(bot["name"] for bot in content["bots"]),
        "action_codes": len(content["codes"]),
        "slack": workspace.team_id if workspace else None,
        "own_model_account": tenant.openai_api_key is not None,
        "settings": await desk.tenants.overrides(tenant_id),
        "accounts": [
            {
                "kind": account.kind,
                "external_id": account.external_id,
                "webhook": _webhook_url(desk.settings, account),
            }
            for account in await desk.tenants.accounts(tenant_id)
        ],
    }


def _webhook_url(settings: Settings, account: PmsAccount) -> str:
    """Where the PMS calls us; only the path where nobody but the app knows its port."""
    server = settings.server
    own = f"http://{server.public_host}:{server.public_port}" if server.public_port else ""
    base = (server.public_url or own).rstrip("/")
    return f"{base}/webhook/{account.kind}/{account.account_key}"
