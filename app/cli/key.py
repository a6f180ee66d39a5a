"""`nightdesk key`: make and rotate the keys that close credentials and all that is gated."""

import click

from app.cli.connection import at_desk
from app.cli.rotation import rotate_keys
from app.keys import new_key


@click.group("key")
def noun() -> None:
    """Encryption keys: new, rotate."""


@noun.command("new")
def make_key() -> None:
    """Print a new key, for NIGHTDESK_ENCRYPTION_KEYS."""
    click.echo(new_key())


@noun.command("rotate")
def rotate() -> None:
    """Close everything anew with fresh keys.

    First put a new key in front, NIGHTDESK_ENCRYPTION_KEYS=new,old, for the app and here, and
    restart the app. After this command the old key may go.
    """
    for tenant_id, count in at_desk(rotate_keys):
        click.echo(f"{tenant_id}: a new key, {count} values closed anew")
