"""Tables of what is written and what the voice is given for it, one file a language."""

from pathlib import Path


def cases_of(language: str) -> list[tuple[str, str]]:
    """(written, said) of each line."""
    lines = (Path(__file__).parent / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" => ") for line in lines if line and not line.startswith("#"))
    return [(written.replace("\\n", "\n"), said) for written, said in pairs]
