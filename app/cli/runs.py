"""`nightdesk runs`: what the background jobs did, and what failed."""

import click

from app.cli.connection import Desk, at_desk
from app.cli.printing import json_option, shortened, show_json, show_table


@click.group("runs", invoke_without_command=True)
@click.option("--tenant", help="Only of one tenant.")
@click.option("--failed", is_flag=True, help="Only what failed: retried or given up (dead).")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True)
@json_option
@click.pass_context
def noun(
    ctx: click.Context, tenant: str | None, limit: int, *, failed: bool, as_json: bool
) -> None:
    """Show the newest runs of background jobs; `revive` runs the given-up ones again."""
    if ctx.invoked_subcommand is not None:
        return
    runs = at_desk(lambda desk: desk.jobs.recent_runs(tenant, limit=limit, only_failed=failed))
    if as_json:
        show_json([dict(run) for run in runs])
        return
    show_table(
        ("STARTED", "TENANT", "JOB", "KEY", "STATUS", "TRY", "MS", "RESULT"),
        [
            (
                run["started_at"], run["tenant_id"], run["kind"], run["key"], run["status"],
                run["attempt"], run["duration_ms"], _result(run["counts"], run["error"]),
            )
            for run in runs
        ],
        nothing="no runs",
    )  # fmt: skip


@noun.command("revive")
@click.argument("tenant")
def revive(tenant: str) -> None:
    """Run every given-up job of a tenant again."""

    async def run(desk: Desk) -> int:
        await desk.tenants.get(tenant)
        return await desk.jobs.revive(tenant)

    count = at_desk(run)
    click.echo(f"{count} given-up jobs of {tenant} will run again")


def _result(counts: dict[str, int], error: dict[str, str] | None) -> str:
    if error:
        return shortened(str(error.get("error")), 90)
    return " ".join(f"{name}={count}" for name, count in counts.items())
