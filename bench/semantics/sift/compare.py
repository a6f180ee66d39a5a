"""Tries `app.bots.sift` on answers of the npm package sift 17.1.4, or stores them for the tests.

    npm install --prefix "$TMPDIR/sift" sift@17.1.4
    node bench/semantics/sift/generate.mjs --modules "$TMPDIR/sift" --seed 7 --cases 20000 > answers
    python -m bench.semantics.sift.compare answers             (--store writes them to the tests)

The stored answers are those of `--seed 1 --cases 6000`.
"""

import argparse
import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.bots.sift import compile_condition
from app.errors import BadInput

STORED = Path(__file__).parents[3] / "tests" / "bots" / "semantics" / "sift.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--store", action="store_true", help="write the answers to the tests")
    given = parser.parse_args()
    raw = given.answers.read_bytes()
    if given.store:
        STORED.write_bytes(gzip.compress(raw, compresslevel=9, mtime=0))
    cases = [json.loads(line) for line in raw.decode().split("\n")[:-1]]
    differences = list(differing(cases))
    for condition, document, theirs, ours in differences[:20]:
        print(json.dumps(condition, ensure_ascii=False), json.dumps(document, ensure_ascii=False))
        print(f"    sift {theirs}, ours {ours}")
    answers = [case[2] for case in cases]
    counts = {name: answers.count(name) for name in (True, False, "refused")}
    print(f"{len(cases)} cases {counts}, {len(differences)} differences")


def differing(cases: Iterable[Any]) -> Iterator[tuple[Any, Any, Any, Any]]:
    for condition, document, theirs in cases:
        ours: Any
        try:
            ours = compile_condition(revived(condition))(revived(document))
        except BadInput as refusal:
            ours = f"refused: {refusal}"
        if ours != theirs and not (theirs == "refused" and str(ours).startswith("refused")):
            yield condition, document, theirs, ours


def revived(item: Any) -> Any:
    if isinstance(item, list):
        return [revived(inner) for inner in item]
    if not isinstance(item, dict):
        return item
    if "@date" in item:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=item["@date"])
    return {name: revived(inner) for name, inner in item.items()}


if __name__ == "__main__":
    main()
