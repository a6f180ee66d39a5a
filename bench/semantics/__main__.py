"""Asks the pinned npm packages for their answers and compares ours with them.

    python -m bench.semantics --seeds 7 8 --cases 20000     cases nobody has seen; 1 where we differ
    python -m bench.semantics --store                       new answers for tests/bots/semantics

Needs npm and node; the packages are installed into a folder that is gone afterwards.
"""

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.semantics import (
    STORED,
    sift_cases,
    sift_difference,
    template_cases,
    template_difference,
)

HERE = Path(__file__).parent
LAYERS = {
    "sift": (1, 12000),
    "ejs": (20261, 6000),
    "mustache": (20262, 6000),
    "both": (20263, 5000),
    "wild": (20264, 6000),
}
"""Layer → (seed, how many cases) of the stored answers."""
MOST_SHOWN = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101])
    parser.add_argument("--cases", type=int, default=20000, help="of each layer and seed")
    parser.add_argument("--layers", nargs="+", choices=list(LAYERS), default=list(LAYERS))
    parser.add_argument("--store", action="store_true", help="write answers for the tests")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightdesk-semantics-") as folder:
        modules = installed(Path(folder))
        if given.store:
            for layer in given.layers:
                lines = answers(modules, layer, *LAYERS[layer])
                path = STORED / f"{layer}.jsonl.gz"
                path.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))
            return
        tried = [
            compared(answers(modules, layer, seed, given.cases), layer, seed)
            for seed in given.seeds
            for layer in given.layers
        ]
    sys.exit(0 if all(tried) else 1)


def installed(folder: Path) -> Path:
    """The folder of the packages, installed as they are locked."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)
    return folder


def answers(modules: Path, layer: str, seed: int, cases: int) -> str:
    """What the packages answer to so many seeded cases, as lines."""
    if layer == "sift":
        script = ["sift/generate.mjs", "--modules", modules, "--seed", seed, "--cases", cases]
    else:
        script = ["template/generate.mjs", modules / "node_modules", layer, cases, seed]
    command = ["node", HERE / script[0], *script[1:]]
    ran = subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return ran.stdout.decode()


def differences(lines: str, layer: str) -> Iterator[tuple[Any, str]]:
    """Every case with how ours differs."""
    if layer == "sift":
        for condition in sift_cases(lines):
            yield condition, sift_difference(*condition)
        return
    for template in template_cases(lines):
        yield template, template_difference(*template, is_wild=layer == "wild")


def compared(lines: str, layer: str, seed: int) -> bool:
    """Whether no case differs without a reason; prints what does, and how many have which."""
    kinds: Counter[str] = Counter()
    for case, kind in differences(lines, layer):
        is_listed = not kind.startswith("!")
        kinds[kind if is_listed else "NOT LISTED"] += 1
        if not is_listed and kinds["NOT LISTED"] <= MOST_SHOWN:
            print(f"{layer} {seed}: {case!a}\n    ours {kind!a}")
    print(f"{layer} {seed}: {kinds.total()} cases, {dict(kinds)}")
    return not kinds["NOT LISTED"]


if __name__ == "__main__":
    main()
