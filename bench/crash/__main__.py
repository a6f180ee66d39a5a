"""`python -m bench.crash --form kills --messages 2000 --kills 30 --seed 1`: status 1 if broken."""

import argparse
import asyncio
import sys

from bench.crash.forms import FORMS, Plan


def main(arguments: list[str]) -> int:
    """Run one form and print what became of the guests."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--form", choices=sorted(FORMS), default="kills")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=6.0, help="messages a second")
    parser.add_argument("--kills", type=int, default=30, help="of the product's process")
    parser.add_argument("--flushes", type=int, default=10, help="Valkey flushed and killed")
    parser.add_argument("--stops", type=int, default=5, help="PostgreSQL stopped at once")
    parser.add_argument("--freezes", type=int, default=5)
    parser.add_argument("--freeze-s", type=float, default=60.0)
    parser.add_argument("--settle-s", type=float, default=100.0, help="watched for late duplicates")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave logs and data in their folder")
    wanted = parser.parse_args(arguments)
    values = {name: value for name, value in vars(wanted).items() if name != "form"}
    report = asyncio.run(FORMS[wanted.form](Plan(**values)))
    return 0 if report.is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
