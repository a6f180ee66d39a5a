"""`nightdesk hotline`: a tenant's telephone numbers, and the carrier account they hang on."""

import os
import sys
from collections.abc import Mapping

import click

from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, show_facts, show_json, show_table
from app.errors import BadInput
from app.hotlines import CARRIER_PATHS, CarrierAccount, Hotline
from app.settings import Settings

TOKEN_VARIABLE = "NIGHTDESK_CARRIER_TOKEN"  # noqa: S105
NEXT_VARIABLE = "NIGHTDESK_CARRIER_NEXT_TOKEN"


@click.group("hotline")
def noun() -> None:
    """Telephone numbers: add, list, set, remove, carrier."""


@noun.command("add")
@click.argument("tenant")
@click.argument("number")
@click.option("--name", required=True, help="As the greeting says it.")
@click.option("--language", help="Of the greeting; without it the tenant's own.")
def add(tenant: str, number: str, name: str, language: str | None) -> None:
    """Give a tenant a number, in international form such as +48221234567."""

    async def run(desk: Desk) -> tuple[Hotline, CarrierAccount | None]:
        spoken = language or (await desk.tenants.get(tenant)).settings.language.default
        hotline = await desk.hotlines.add(tenant, number, name=name, language=spoken)
        return hotline, await desk.hotlines.carrier_of(tenant)

    hotline, carrier = at_desk(run)
    click.echo(f"{hotline.number_e164} is a hotline of {tenant} and greets in {hotline.language}")
    if carrier is None:
        click.echo(f"it takes calls once its carrier is known: nightdesk hotline carrier {tenant}")


@noun.command("list")
@click.argument("tenant")
@json_option
def list_hotlines(tenant: str, *, as_json: bool) -> None:
    """Show a tenant's numbers."""

    async def run(desk: Desk) -> tuple[list[Hotline], CarrierAccount | None]:
        return await desk.hotlines.of_tenant(tenant), await desk.hotlines.carrier_of(tenant)

    hotlines, carrier = at_desk(run)
    account = carrier.external_id if carrier else None
    if as_json:
        show_json(
            [
                {
                    "number": hotline.number_e164, "name": hotline.name,
                    "language": hotline.language, "carrier": account,
                }
                for hotline in hotlines
            ]
        )  # fmt: skip
        return
    show_table(
        ("NUMBER", "NAME", "LANGUAGE", "CARRIER"),
        [(h.number_e164, h.name, h.language, account or "none yet") for h in hotlines],
        nothing=f"no hotlines; make one with `nightdesk hotline add {tenant}`",
    )


@noun.command("set")
@click.argument("tenant")
@click.argument("number")
@click.option("--name", help="As the greeting says it.")
@click.option("--language", help="Of the greeting, and of callers of whom nothing else is known.")
def change(tenant: str, number: str, name: str | None, language: str | None) -> None:
    """Give a hotline another name or language; its greeting is made anew by the running app."""
    if name is None and language is None:
        raise BadInput("say what changes: --name or --language")
    hotline = at_desk(lambda desk: desk.hotlines.set(tenant, number, name=name, language=language))
    click.echo(f"{hotline.number_e164} is {hotline.name} and greets in {hotline.language}")


@noun.command("remove")
@click.argument("tenant")
@click.argument("number")
def remove(tenant: str, number: str) -> None:
    """Take a number away; calls that run go on."""
    at_desk(lambda desk: desk.hotlines.remove(tenant, number))
    click.echo(f"{number} is no hotline of {tenant} any more")


@noun.command("carrier")
@click.argument("tenant")
@click.option("--account-sid", required=True, help="The account's id at Twilio, AC….")
@click.option("--local", is_flag=True, help="The carrier is a stand-in on this machine.")
@json_option
def carrier(tenant: str, account_sid: str, *, local: bool, as_json: bool) -> None:
    """Tell which Twilio account a tenant's numbers hang on; prints what Twilio must be told.

    The auth token is asked for, or taken from NIGHTDESK_CARRIER_TOKEN, or from standard input: one
    line, and a second one for the token that comes next while they are being changed
    (NIGHTDESK_CARRIER_NEXT_TOKEN).
    """
    if not account_sid.startswith("AC") or not account_sid.isprintable() or " " in account_sid:
        raise BadInput(f"{account_sid!r} is no account SID of Twilio: they begin with AC")

    async def run(desk: Desk) -> dict[str, str]:
        urls = webhook_urls(desk.settings, is_local=local)
        await desk.tenants.get(tenant)
        tokens = _tokens(os.environ)
        await desk.hotlines.set_carrier(tenant, account_sid=account_sid, auth_tokens=tokens)
        return urls

    urls = at_desk(run)
    if as_json:
        show_json(urls)
        return
    click.echo(f"numbers of {tenant} hang on {account_sid}; for each of them at Twilio:")
    show_facts(urls.items())


def webhook_urls(settings: Settings, *, is_local: bool = False) -> dict[str, str]:
    """What a number is told at the carrier: what for → URL.

    Raises:
        BadInput: the carrier could not reach us there.
    """
    server = settings.server
    if not is_local and not server.public_url:
        raise BadInput("server.public_url is empty: set it to the https address that Twilio calls")
    if not is_local and not server.public_url.startswith("https://"):
        raise BadInput("server.public_url must begin with https://, calls are streamed over wss")
    local_url = f"http://{server.public_host}:{server.public_port}"
    base = (server.public_url or local_url).rstrip("/")
    return {what: f"{base}{path}" for what, path in CARRIER_PATHS.items()}


def _tokens(environment: Mapping[str, str]) -> tuple[str, ...]:
    """(current, perhaps the next one), never shown."""
    if current := environment.get(TOKEN_VARIABLE):
        given = [current, environment.get(NEXT_VARIABLE, "")]
    elif sys.stdin.isatty():
        given = [
            click.prompt("Auth token", hide_input=True),
            click.prompt("Next one, if any", hide_input=True, default="", show_default=False),
        ]
    else:
        given = sys.stdin.read().split("\n")[:2]
    return tuple(token.strip() for token in given if token.strip())
