"""What a setting may be: lengths of time, addresses, names; each refused in words that help."""

import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError("no time zone of that name; one looks like Europe/Warsaw") from exc
    return name


def _web_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as exc:
        raise ValueError(f"no web address: {exc}") from exc
    if not is_one or not address.isprintable() or " " in address:
        raise ValueError("no web address; one looks like https://api.example.com/v1")
    return address


def _web_address_or_none(address: str) -> str:
    return _web_address(address) if address else address


def _custom_field(entry: str) -> str:
    if re.fullmatch(CUSTOM_FIELD, entry) is None:
        raise ValueError(
            f"{entry[:80]!r} is not of the form 167=parking:public (public, gated or secret)"
        )
    return entry


LONGEST_S = 31_536_000.0
"""A year: nothing here takes longer, and a calendar can still be reckoned with it."""
Seconds = Annotated[float, Field(le=LONGEST_S)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
WebAddress = Annotated[str, Field(max_length=500), AfterValidator(_web_address)]
OptionalWebAddress = Annotated[str, Field(max_length=500), AfterValidator(_web_address_or_none)]
ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
CODE_SOURCE = r"(reservation|listing|field:[a-z0-9_]{1,60})"
CUSTOM_FIELD = r"\s*(\w{1,60})=([a-z][a-z0-9_]{0,59}):(public|gated|secret)\s*"
"""An entry of `pms.custom_fields`, such as `167=parking:public`."""
CustomFieldEntry = Annotated[str, AfterValidator(_custom_field)]
LanguageVoice = Annotated[str, Field(pattern=r"^[a-z]{2,3}=[\w.-]{1,100}$")]
"""An entry of `voice.tts_voices`, such as `pl=nova`."""
