"""`nightdesk settings`: is everything that the process will be told in order?"""

from pathlib import Path

import click

from app.cli.connection import settings_of
from app.errors import BadInput
from app.keys import Keyring
from app.pms.records import parse_custom_fields
from app.settings import Settings


@click.group("settings")
def noun() -> None:
    """Check config.toml and the environment."""


@noun.command("check")
@click.pass_obj
def check(config: Path | None) -> None:
    """Print what is wrong with the settings, or that nothing is."""
    problems = _problems(settings_of(config))
    if problems:
        raise BadInput("\nnightdesk: ".join(problems))
    click.echo("the settings are fine")


def _problems(settings: Settings) -> list[str]:
    problems = []
    keys = settings.secrets.encryption_keys
    if keys is None and settings.secrets.database_url is not None:
        problems.append(
            "NIGHTDESK_ENCRYPTION_KEYS is not set, and the database is external; "
            "make a key with `nightdesk key new`"
        )
    try:
        if keys is not None:
            Keyring(tuple(key.strip() for key in keys.get_secret_value().split(",")))
        parse_custom_fields(settings.pms.custom_fields)
    except BadInput as exc:
        problems.append(str(exc))
    return problems
