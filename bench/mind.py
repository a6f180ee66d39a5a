"""The pure parts of the mind: conditions, templates, urgency, facts."""

import time
from collections.abc import Callable

from app.bots.phrases import load_phrase_sets, match_intent
from app.bots.sift import compile_condition
from app.bots.template import compile_template
from app.bots.urgent import find_urgent

ROUNDS = 7
CONDITION = {"listingMapId": {"$in": [1234]}, "status": "modified", "numberOfNights": {"$gte": 7}}
STAY = {"listingMapId": 1234, "status": "modified", "numberOfNights": 8}
ARTICLE = """You are {{botName}}, guest assistant for {{listing.name}}.
Check-in: {{listing.checkInTimeStart}}.
Check-out: {{listing.checkOutTime}}.
<% if (canAccess) { %>
Door code: {{listing.door_code}}
WiFi: {{listing.wifi_password}}
<% } else { %>
Access details will be shared 24 hours before arrival.
<% } %>
<% if (listing.petsAllowed) { %>
Pets are welcome. Please clean up after them.
<% } %>
House rules: {{listing.houseRules}}"""
VARIABLES = {
    "botName": "Kuba",
    "canAccess": True,
    "listing": {
        "name": "Apartament Mokotów",
        "checkInTimeStart": "15:00",
        "checkOutTime": "11:00",
        "door_code": "[[door_code]]",
        "wifi_password": "[[wifi_password]]",
        "petsAllowed": True,
        "houseRules": "No smoking. Quiet hours after 22:00.",
    },
}
MESSAGE = "Hello, we arrive tonight at nine, could you tell us what the wifi password is please?"


def a_call_us(call: Callable[[], object], times: int) -> list[float]:
    """Microseconds a call, one figure a round."""
    call()
    figures = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(times):
            call()
        figures.append((time.perf_counter() - began) / times * 1e6)
    return figures


async def measure() -> dict[str, tuple[list[float], str]]:
    condition = compile_condition(CONDITION)
    template = compile_template(ARTICLE)
    sets = load_phrase_sets()
    nothing = a_call_us(lambda: None, 200_000)
    evaluations = a_call_us(lambda: condition(STAY), 50_000)
    return {
        "condition of three clauses": ([1e6 / us for us in evaluations], "per second"),
        "the article's template": (a_call_us(lambda: template.render(VARIABLES), 2_000), "us"),
        "urgency of a message": (
            a_call_us(lambda: find_urgent(MESSAGE, country_code="PL"), 500),
            "us",
        ),
        "intent of a message": (a_call_us(lambda: match_intent(MESSAGE, sets), 500), "us"),
        "floor: an empty call": (nothing, "us"),
    }
