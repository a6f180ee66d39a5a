"""The story's own small decisions; the story itself is played by `make demo ONCE=1`."""

from typing import Any

from app.sim.story import has_read_stays, newest_link


def post(*urls: str) -> dict[str, Any]:
    elements = [{"type": "button", "url": url} for url in urls]
    return {"message": {"blocks": [{"type": "section"}, {"type": "actions", "elements": elements}]}}


def test_the_newest_link_to_a_case_is_offered() -> None:
    posts = [post("http://desk/open/old"), post("http://desk/open/new"), post()]
    assert newest_link(posts) == "http://desk/open/new"


def test_other_links_open_no_case() -> None:
    assert newest_link([post("http://desk/help"), {"message": {"text": "hi"}}]) == ""


def test_the_stays_are_known_when_more_than_the_unread_ones_were_asked_for() -> None:
    assert not has_read_stays({"listings": 1, "reservations": 1})
    assert has_read_stays({"listings": 1, "reservations": 2})
