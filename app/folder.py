"""Reading a folder that somebody else made: plain files of a sensible size, all inside it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.errors import BadInput

LARGEST_FILE = 1_000_000
"""Bytes; the longest template there may be has a tenth of it."""
MOST_FILES = 2_000
"""Files of one kind."""


def files_of(folder: Path, pattern: str) -> Iterator[Path]:
    """The files of a pattern, by name.

    Raises:
        BadInput: there are too many.
    """
    try:
        found = sorted(folder.glob(pattern))
    except OSError as exc:
        raise BadInput(f"cannot read {folder}: {exc.strerror}") from exc
    if len(found) > MOST_FILES:
        raise BadInput(f"{folder.name} holds more than {MOST_FILES} files; take some out")
    return iter(found)


def text_of(path: Path, *, root: Path) -> str:
    """A file's text.

    Raises:
        BadInput: it is missing, no plain file of the folder, too large or no UTF-8.
    """
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise BadInput(f"{path.name} leads out of the folder; put the file itself there")
        if not path.is_file():
            what = "is no plain file" if path.exists() else "is missing"
            raise BadInput(f"{path.name} {what}; put it into {path.parent.name or path.parent}")
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path.name} is larger than {LARGEST_FILE} bytes; shorten it")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadInput(f"{path.name} is not UTF-8; save it in that encoding") from exc
    except (OSError, ValueError, RuntimeError) as exc:
        raise BadInput(f"cannot read {path.name}: {type(exc).__name__}") from exc


def toml_of(path: Path, *, root: Path) -> dict[str, Any]:
    """A file's TOML.

    Raises:
        BadInput: as `text_of`, or it is no TOML.
    """
    try:
        return tomllib.loads(text_of(path, root=root))
    except tomllib.TOMLDecodeError as exc:
        raise BadInput(f"{path.name}: {exc}") from exc
    except RecursionError as exc:
        raise BadInput(f"{path.name}: is nested too deeply") from exc
