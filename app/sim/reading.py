"""Reading a request: codes, facts and names of a prompt, the parts of a guest's burst."""

import re
from dataclasses import dataclass
from functools import lru_cache

from app.sim.language import LANGUAGES, fold, words
from app.sim.retrieval import Features, perceive, read

_CODE_LINE = re.compile(
    r"^\s*(?:[-*•]|\d+[.)])?\s*[`*\"']*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)[`*\"']*\s*(?::|[-–—])\s*(.*)$"
)
_SHORTEST_CODE = 3
_QUOTED = re.compile(r"[\"“”„«]([^\"“”„»]+)[\"“”»]")
_EXAMPLES = re.compile(
    r"^\s+(?:e\.g\.|examples?|for example|np\.|z\.\s?B\.|مثال)\W*", re.IGNORECASE
)
_BESIDES = re.compile(
    r"(?:[(,;]\s*|\bbut\s+)(?:not|never)\b[^.;)]*|\b(?:except|other than|unless)\b[^.;)]*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•>]+|\d+[.)]|#+)\s*")
_LABELLED = re.compile(r"^([^:：\[\]]{1,60}?)\s*(?:[:：]\s+|[:：](?=[^\s\d/]))(.+)$")
_DASHED = re.compile(r"^([^\-–—\[\]:]{2,30}?)\s+[-–—]\s+(.+)$")
_LABEL_WORDS = 7
_SENTENCE_END = re.compile(r"(?<=[.!?؟。])\s+")
_ABBREVIATIONS = re.compile(
    r"(?:^|\W)(?:ul|al|pl|os|nr|st|str|no|apt|ca|np|dr|mr|mrs|tel|pkt|bzw|inkl|ggf|approx|e\.g|i\.e|z\.b)\.$",
    re.IGNORECASE,
)
_PART_END = re.compile(r"(?<=[.!?؟;])\s+|[\n؛]+")
_SPEAKER = re.compile(
    r"^\s*(?:[-*•]\s*)?(?:(?:guest|user|gość|gast|الضيف)\s*[:：]\s*)?", re.IGNORECASE
)
_JOINT = re.compile(
    r"\s+(?:and|und|oraz|plus|also|sowie|i|a|aber|but|ale)\s+|\s*[,،&+]\s*"
    r"|\s+و\s*(?=(?:ما|أين|اين|كيف|هل|متى|كم|كلمة|رمز|أي|وين|من)\b)",
    re.IGNORECASE,
)
_GUEST_LABELS = (
    "guest",
    "guest name",
    "gosc",
    "imie goscia",
    "gast",
    "name des gastes",
    "ضيف",
    "اسم ضيف",
)
_BOT_NAME = re.compile(
    r"(?i:your name is|you are called|you are|nazywasz się|jesteś|du heißt|sie heißen"
    r"|du bist|sie sind|اسمك|أنت)"
    r"\s+([A-ZŁŚŻŹĆÓÄÖÜ][\w'-]+|[\u0621-\u064a]+)(?=\s*[,،.])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One action code as the prompt describes it."""

    name: str
    description: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One quotable piece of the prompt."""

    label: str
    text: str
    is_whole: bool


def read_codes(prompt: str) -> tuple[Code, ...]:
    """Give the action codes listed in a prompt, in its order."""
    codes: list[Code] = []
    for line in prompt.splitlines():
        found = _CODE_LINE.match(line)
        if found and len(found[1]) >= _SHORTEST_CODE:
            codes.append(_code(found[1], found[2], ()))
        elif codes and line[:1].isspace() and line.strip():
            last = codes.pop()
            if _EXAMPLES.match(line) or line.strip()[0] in '"“„«|':
                said = tuple(_QUOTED.findall(line)) or tuple(
                    piece.strip() for piece in _EXAMPLES.sub("", line).split("|")
                )
                codes.append(_code(last.name, last.description, last.examples + said))
            else:
                codes.append(_code(last.name, f"{last.description} {line}", last.examples))
    return tuple(codes)


def read_facts(prompt: str) -> tuple[Fact, ...]:
    """Give what may be quoted from a prompt: whole lines first, then their sentences.

    Instructions to the bot, sentences that try to give instructions, and names are left out.
    """
    facts: list[Fact] = []
    heading = ""
    for raw in prompt.splitlines():
        line = _BULLET.sub("", raw).replace("**", "").strip()
        if not line:
            continue
        if raw.lstrip().startswith("#") or line.endswith((":", "：")):
            heading = line.rstrip(":： ")
            continue
        label, value = _split_label(line)
        if fold(label) in _GUEST_LABELS or is_instruction(label):
            continue
        sentences = [piece for piece in split_sentences(value) if not is_instruction(piece)]
        if not sentences or (
            label and is_instruction(f"{label} {sentences[0]}") and len(label) > 25
        ):
            continue
        facts.append(Fact(label=label or heading, text=" ".join(sentences), is_whole=bool(label)))
        if len(sentences) > 1:
            facts += [
                Fact(label=label or heading, text=piece, is_whole=False) for piece in sentences
            ]
    return tuple(facts)


def read_guest_name(prompt: str) -> str | None:
    """Give the guest's first name when the prompt holds it."""
    for line in prompt.splitlines():
        label, value = _split_label(_BULLET.sub("", line).strip())
        if label and " ".join(words(label)) in _GUEST_LABELS:
            parts = value.split()
            if 0 < len(parts) <= 4 and not any(char.isdigit() for char in value):
                return parts[0].strip(".,;")
    return None


def read_bot_name(prompt: str) -> str | None:
    """Give the name the operator gave to the bot, when the prompt holds it."""
    found = _BOT_NAME.search(prompt)
    return found[1] if found else None


def split_sentences(text: str) -> list[str]:
    """Give the sentences of a text; a full stop after an abbreviation ends none."""
    sentences: list[str] = []
    for piece in _SENTENCE_END.split(text.strip()):
        if sentences and _ABBREVIATIONS.search(sentences[-1]):
            sentences[-1] += f" {piece}"
        elif piece:
            sentences.append(piece)
    return sentences


def split_parts(burst: tuple[str, ...]) -> list[str]:
    """Give the separate things said in a burst of messages, in order."""
    parts: list[str] = []
    for message in burst:
        for line in _PART_END.split(message):
            piece = _SPEAKER.sub("", line, count=1).strip()
            if piece:
                parts += _at_joints(piece)
    return parts


def is_instruction(sentence: str) -> bool:
    """Say whether a sentence speaks to the bot instead of about the stay."""
    if "override" in perceive(sentence).concepts:
        return True
    found = words(sentence)
    starts, about, prefixes = _instruction_words()
    if not found or found[0] not in starts:
        return False
    return any(
        word in about or any(word.startswith(prefix) for prefix in prefixes) for word in found[1:]
    )


def _at_joints(piece: str) -> list[str]:
    """Split at an "and" only where both sides ask about something of their own."""
    for joint in _JOINT.finditer(piece):
        left, right = piece[: joint.start()], piece[joint.end() :]
        ours, theirs = _matter(left), _matter(right)
        if ours and theirs and not theirs & ours:
            return [left, *_at_joints(right)]
    return [piece]


def _matter(text: str) -> frozenset[str]:
    seen: Features = perceive(text, forgiving=True)
    return seen.of_kind("topic", "alarm")


def _code(name: str, description: str, examples: tuple[str, ...]) -> Code:
    said = tuple(_QUOTED.findall(description))
    bare = _BESIDES.sub(" ", _QUOTED.sub(" ", description))
    return Code(
        name=name,
        description=" ".join(bare.split()),
        examples=tuple(example for example in examples + said if example.strip()),
    )


def _split_label(line: str) -> tuple[str, str]:
    found = _LABELLED.match(line) or _DASHED.match(line)
    if found and len(found[1].split()) <= _LABEL_WORDS:
        return found[1].strip(), found[2].strip()
    return "", line


@lru_cache(maxsize=1)
def _instruction_words() -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    tables = read("instructions.toml")
    lists: dict[str, list[str]] = {"start": [], "about": []}
    for name, listed in lists.items():
        for language in LANGUAGES:
            for piece in tables[name][language].split():
                star = "*" if piece.endswith("*") else ""
                listed += [word + star for word in words(piece)]
    return (
        frozenset(lists["start"]),
        frozenset(word for word in lists["about"] if not word.endswith("*")),
        tuple(word[:-1] for word in lists["about"] if word.endswith("*")),
    )
