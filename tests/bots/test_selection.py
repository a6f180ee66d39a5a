from typing import Any

import pytest

from app.bots.records import Bot, Library
from app.bots.selection import choose_bot, choose_template
from app.errors import NotFound


def bot(name: str, **changes: Any) -> Bot:
    values: dict[str, Any] = {
        "name": name, "kind": "informational", "medium": "thread", "template": "t", **changes,
    }  # fmt: skip
    return Bot(**values)


def library(*bots: Bot, templates: Any = None) -> Library:
    return Library(version=1, bots=bots, codes=(), templates=templates or {}, phrases={})


def choose(
    *bots: Bot, code: str | None = None, kind: Any = "informational", **reservation: Any
) -> str:
    return choose_bot(
        library(*bots), kind=kind, medium="thread", reservation=reservation, action_code=code
    ).name


def test_the_first_match_in_the_operators_order_wins() -> None:
    vip = bot("vip", conditions={"listing.city": "Warsaw"})
    assert choose(vip, bot("all"), listing={"city": "Warsaw"}) == "vip"
    assert choose(vip, bot("all"), listing={"city": "Dubai"}) == "all"
    assert choose(bot("all"), vip, listing={"city": "Warsaw"}) == "all"


def test_a_bot_serves_its_codes_only() -> None:
    wifi = bot("wifi", action_codes=("WIFI_QUESTION",))
    assert choose(wifi, bot("all"), code="WIFI_QUESTION") == "wifi"
    assert choose(wifi, bot("all"), code="PARKING_QUESTION") == "all"
    assert choose(wifi, bot("all")) == "all"


def test_kind_and_medium_are_kept_apart() -> None:
    bots = (bot("phone", medium="phone"), bot("router", kind="routing"), bot("writer"))
    assert choose(*bots) == "writer"
    assert choose(*bots, kind="routing") == "router"


def test_codes_of_a_routing_bot_do_not_keep_it_from_routing() -> None:
    assert choose(bot("router", kind="routing", action_codes=("A",)), kind="routing") == "router"


def test_where_no_bot_fits_that_is_said() -> None:
    with pytest.raises(NotFound, match="no informational bot for the thread"):
        choose(bot("vip", conditions={"nights": {"$gt": 20}}), nights=3)


def test_a_template_is_in_the_guests_language_or_the_named_fallback() -> None:
    templates = {
        "WIFI_QUESTION": {"en": "wifi", "pl": "wi-fi"},
        "PARKING_QUESTION": {"de": "Parken"},
        "fallback": {"language": "en"},
    }
    made = library(templates=templates)
    assert choose_template(made, "WIFI_QUESTION", "pl") == ("pl", "wi-fi")
    assert choose_template(made, "WIFI_QUESTION", "ar") == ("en", "wifi")
    assert choose_template(made, "PARKING_QUESTION", "ar") is None
    assert choose_template(made, "OTHER", "en") is None
