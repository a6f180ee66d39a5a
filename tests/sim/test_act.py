"""What a scene sees of Slack."""

from typing import Any

from app.sim.act import posts_about


def post(ts: str, text: str, thread_ts: str | None = None) -> dict[str, Any]:
    message = {"ts": ts, "text": text} | ({"thread_ts": thread_ts} if thread_ts else {})
    return {"message": message}


def test_a_guests_posts_are_those_that_name_the_guest_and_their_threads() -> None:
    alert, other = post("1", "High: Paweł Dąbrowski"), post("2", "Low: Niamh Bennett")
    reply, stray = post("3", "Ola has it", "1"), post("4", "Ola has it", "2")
    assert posts_about([alert, other, reply, stray], "Paweł Dąbrowski") == [alert, reply]


def test_a_guest_nobody_posted_about_has_no_posts() -> None:
    assert posts_about([post("1", "High: Paweł")], "Niamh Bennett") == []
