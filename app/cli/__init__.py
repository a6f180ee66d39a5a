"""`nightdesk …`: what an operator's administrator does from a terminal, one file a noun.

It works beside a running app, or starts the embedded servers itself where nothing runs. A noun's
module is imported when it is asked for, so that help and keys do not wait for the database's parts.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from app.errors import BadInput, ProductError

NOUNS: Mapping[str, str] = {
    "calls": "Telephone calls: who called, what was said, how long each step took.",
    "cases": "What needs a person: list, show, take, reply, resolve.",
    "decisions": "Why each answer of a conversation was given.",
    "drafts": "Replies that wait for a person's word.",
    "hotline": "Telephone numbers: add, list, set, remove, carrier.",
    "key": "Encryption keys: new, rotate.",
    "runs": "What the background jobs did, and what failed.",
    "settings": "Check config.toml and the environment.",
    "tenant": "Rental companies: add, set, mode, accounts, export, import.",
}
"""Noun → what its commands are for; the module of that name holds them as `noun`."""


class Nouns(click.Group):
    """The nouns, each imported when it is used; foreseen errors end as one line."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Every noun."""
        return sorted(NOUNS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The commands of one noun."""
        if name not in NOUNS:
            return None
        command: click.Command = importlib.import_module(f"app.cli.{name}").noun
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The nouns for the help page, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(NOUNS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run; exit code 2 for what was given wrongly, 1 for what could not be done."""
        try:
            return super().invoke(ctx)
        except ProductError as exc:
            click.echo(f"nightdesk: {exc}", err=True)
            ctx.exit(2 if isinstance(exc, BadInput) else 1)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as exc:
            # Nobody foresaw it; a traceback would quote values, of guests and of doors.
            importlib.import_module("app.telemetry").tell_crash("ended by", exc)
            ctx.exit(1)


@click.group(cls=Nouns)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="NIGHTDESK_CONFIG",
    help="The settings file; without it ./config.toml, and without that the defaults.",
)
@click.pass_context
def nightdesk(ctx: click.Context, config: Path | None) -> None:
    """Administer Nightdesk, beside the running app or without it."""
    ctx.obj = config


def main() -> None:
    """The command `nightdesk`."""
    nightdesk(prog_name="nightdesk")
