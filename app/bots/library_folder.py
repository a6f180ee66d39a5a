"""A library as a folder of readable files: what support edits, exports, imports and reviews.

codes.toml                     action codes
phrases.toml                   the tenant's own phrases per code and language (may be absent)
bots/010-name.toml + .txt      a bot and its template; the number is the order
replies/CODE.en.txt            reply templates; replies/fallback.toml names the fallback language
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import BadInput
from app.folder import files_of, text_of, toml_of

DEFAULT_LIBRARY = Path(__file__).parent / "default_library"
"""What every new tenant starts with."""


def read_library(folder: Path) -> dict[str, Any]:
    """The content of a library, not yet checked.

    Raises:
        BadInput: a file is missing or cannot be read; the message names it.
    """
    phrases = folder / "phrases.toml"
    return {
        "codes": toml_of(folder / "codes.toml", root=folder).get("code", []),
        "bots": [_read_bot(path, folder) for path in files_of(folder / "bots", "*.toml")],
        "templates": _read_replies(folder / "replies", folder),
        "phrases": toml_of(phrases, root=folder) if phrases.exists() else {},
    }


def write_library(content: Mapping[str, Any], folder: Path) -> None:
    """A library's content as files, such that reading them gives it back."""
    (folder / "bots").mkdir(parents=True, exist_ok=True)
    (folder / "replies").mkdir(exist_ok=True)
    blocks = [_toml_block("code", code) for code in content["codes"]]
    (folder / "codes.toml").write_text("\n".join(blocks), encoding="utf-8")
    for number, bot in enumerate(content["bots"], start=1):
        stem = f"{number * 10:03d}-{_file_name(bot['name'])}"
        head = {key: bot[key] for key in ("name", "kind", "medium")}
        if bot.get("action_codes"):
            head["action_codes"] = list(bot["action_codes"])
        head["conditions"] = json.dumps(bot.get("conditions") or {}, ensure_ascii=False)
        lines = "".join(f"{key} = {_toml_value(value)}\n" for key, value in head.items())
        (folder / "bots" / f"{stem}.toml").write_text(lines, encoding="utf-8")
        (folder / "bots" / f"{stem}.txt").write_text(bot["template"], encoding="utf-8", newline="")
    for code, versions in content["templates"].items():
        for language, text in versions.items():
            if code == "fallback":
                line = f"language = {_toml_value(text)}\n"
                (folder / "replies" / "fallback.toml").write_text(line, encoding="utf-8")
            else:
                path = folder / "replies" / f"{code}.{language}.txt"
                path.write_text(text, encoding="utf-8", newline="")
    if content.get("phrases"):
        blocks = [
            f"[{code}]\n"
            + "".join(f"{lang} = {_toml_value(list(said))}\n" for lang, said in by_lang.items())
            for code, by_lang in content["phrases"].items()
        ]
        (folder / "phrases.toml").write_text("\n".join(blocks), encoding="utf-8")


def _read_bot(path: Path, root: Path) -> dict[str, Any]:
    head = toml_of(path, root=root)
    written = head.get("conditions", "{}")
    if not isinstance(written, str):
        raise BadInput(f"{path.name}: write conditions as JSON in quotes: conditions = '{{}}'")
    try:
        conditions = json.loads(written)
    except ValueError as exc:
        raise BadInput(f"{path.name}: conditions is not JSON: {exc}") from exc
    except RecursionError as exc:
        raise BadInput(f"{path.name}: conditions is nested too deeply") from exc
    template = text_of(path.with_suffix(".txt"), root=root)
    return {**head, "conditions": conditions, "template": template}


def _read_replies(folder: Path, root: Path) -> dict[str, dict[str, str]]:
    templates: dict[str, dict[str, str]] = {}
    for path in files_of(folder, "*.txt"):
        code, _, language = path.stem.partition(".")
        if not language:
            raise BadInput(f"{path.name}: call it CODE.language.txt, such as WIFI_QUESTION.en.txt")
        templates.setdefault(code, {})[language] = text_of(path, root=root)
    if (folder / "fallback.toml").exists():
        fallback = toml_of(folder / "fallback.toml", root=root).get("language")
        if not isinstance(fallback, str):
            raise BadInput('replies/fallback.toml: write language = "en", or another language')
        templates["fallback"] = {"language": fallback}
    return templates


def _toml_block(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml_value(value)}" for key, value in values.items()]
    return f"[[{name}]]\n" + "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    """JSON's strings, lists, numbers and booleans are TOML's, but for escapes we do not write."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _file_name(name: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words) or "bot"
