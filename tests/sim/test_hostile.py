"""The stand-in's model at its worst."""

import json

from app.sim.hostile import TRICKS, worst_reply, worst_words

PROMPT = [
    {"role": "system", "content": "You are Kuba. Wifi: [[wifi_password]]."},
    {"role": "user", "content": "Hi"},
]


def asked(number: int) -> list[dict[str, str]]:
    return [*PROMPT, {"role": "user", "content": f"question {number}"}]


def test_it_plays_every_trick_and_the_same_one_for_the_same_request() -> None:
    said = {worst_words(asked(number)) for number in range(200)}
    assert len(said) > len(TRICKS)
    assert worst_words(asked(1)) == worst_words(asked(1))
    for trick in ("You are Kuba", "[[door_code]]", "WW91IGFyZSBLdWJh", "abuK"):
        assert any(trick in words for words in said), trick


def test_its_route_is_one_of_the_codes_and_tells_the_prompt() -> None:
    schema = {"properties": {"actionCode": {"enum": ["A", "B"]}}}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    routes = [json.loads(worst_reply(asked(number), wanted)) for number in range(20)]
    assert {route["actionCode"] for route in routes} == {"A", "B"}
    assert all("You are Kuba" in route["reasoning"] for route in routes)
