"""What is said sign by sign: codes, passwords, telephone numbers, addresses of the net; pure."""

import re

from app.voice.tongue import Tongue

PAIR = 4
"""Digits that are said in one breath; of a longer code every three make a group."""
GROUP = 3
LONGEST_PATH = 24
"""Characters of a link behind its host that anybody could write down from hearing."""


def said_twice(code: str, tongue: Tongue) -> str:
    """A door code, sign by sign, and once more."""
    once = spelled_code(code, tongue)
    return f"{once}. {tongue.again} {once}"


def spelled_code(code: str, tongue: Tongue) -> str:
    """A code's digits, letters and signs; letters without their case, which no lock tells apart."""
    signs = [_sign(sign.upper(), tongue) for sign in code if not sign.isspace()]
    if len(signs) <= PAIR or not code.isdecimal():
        return f"{tongue.comma} ".join(signs)
    groups = [" ".join(signs[at : at + GROUP]) for at in range(0, len(signs), GROUP)]
    return f"{tongue.comma} ".join(groups)


def spelled_password(password: str, tongue: Tongue) -> str:
    """A password's letters with their case, digits, and signs by name."""
    letters = [sign for sign in password if sign.isalpha() and sign.upper() != sign.lower()]
    is_small = all(sign.islower() for sign in letters)
    is_capital = all(sign.isupper() for sign in letters)
    signs = []
    for sign in password:
        said = _sign(sign.upper() if len(sign.upper()) == 1 else sign, tongue)
        if sign.isupper() and not is_capital:
            said = tongue.capital.format(said)
        signs.append(said)
    first = "" if not letters else tongue.all_small if is_small else ""
    if letters and is_capital:
        first = tongue.all_capital
    return first + f"{tongue.comma} ".join(signs)


def spoken_phone(number: str, tongue: Tongue) -> str:
    """A telephone number digit by digit, in the groups it is written in, or in threes."""
    first = f"{tongue.signs['+']} " if number.lstrip().startswith(("+", "00")) else ""
    bare = number.strip().removeprefix("+")
    bare = bare[2:] if first and bare.startswith("00") else bare
    groups = re.findall(r"\d+", bare)
    if len(groups) == 1:
        digits = groups[0]
        head = 2 if first and len(digits) > 9 else 0
        rest = digits[head:]
        groups = [digits[:head]] if head else []
        groups += [rest[at : at + GROUP] for at in range(0, len(rest), GROUP)]
        if len(groups) > 1 and len(groups[-1]) == 1:
            groups[-2:] = [groups[-2] + groups[-1]]
    return first + f"{tongue.comma} ".join(tongue.one_by_one(group) for group in groups)


def spoken_link(link: str, tongue: Tongue) -> str:
    """A web address as people say it; without a path that is too long to be heard."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", link, flags=re.IGNORECASE)
    host, slash, path = bare.partition("/")
    whole = bare.rstrip("/") if slash and path and len(path) <= LONGEST_PATH else host
    return _read(whole, tongue)


def spoken_mail(address: str, tongue: Tongue) -> str:
    """An e-mail address as people say it."""
    return _read(address, tongue)


def _read(text: str, tongue: Tongue) -> str:
    """Words as words, digits one by one, signs by name."""
    said = [
        part
        if part.isalpha()
        else tongue.one_by_one(part)
        if part.isdecimal()
        else tongue.signs.get(part, "")
        for part in re.findall(r"[^\W\d_]+|\d+|[\W_]", text)
    ]
    return " ".join(word for word in said if word)


def _sign(sign: str, tongue: Tongue) -> str:
    if sign.isdecimal():
        return tongue.digits[int(sign)]
    return tongue.signs.get(sign, sign)
