from datetime import timedelta
from typing import Any

import pytest

from app.chat.machines import is_machine
from app.conversations import Turn
from tests.make import NOON, make_turn


def turns(*said: tuple[Any, str, int]) -> list[Turn]:
    return [
        make_turn(speaker, text, NOON + timedelta(seconds=at), turn_id=number)
        for number, (speaker, text, at) in enumerate(said, start=1)
    ]


def test_the_same_words_thrice_are_a_machine() -> None:
    said = [("guest", "We got your  message", at * 600) for at in range(3)]
    assert is_machine(turns(*said))


def test_three_answers_at_once_are_a_machine() -> None:
    said: list[tuple[Any, str, int]] = []
    for number in range(3):
        said += [("bot", f"b{number}", number * 100), ("guest", f"g{number}", number * 100 + 5)]
    assert is_machine(turns(*said))


def test_a_quick_guest_is_no_machine() -> None:
    said: list[tuple[Any, str, int]] = []
    for number, wait in enumerate((5, 40, 5)):
        said += [("bot", f"b{number}", number * 100), ("guest", f"g{number}", number * 100 + wait)]
    assert not is_machine(turns(*said))
    assert not is_machine(turns(("guest", "hello", 0), ("guest", "hello", 5)))


def rounds(took: int, text: str) -> list[Turn]:
    """Three replies of the bot, each answered after so many seconds, never in the same words."""
    said: list[tuple[Any, str, int]] = []
    for number, word in enumerate(("one", "two", "three")):
        said += [("bot", f"b{number}", number * 600), ("guest", text + word, number * 600 + took)]
    return turns(*said)


def test_texts_that_only_count_on_are_a_machine() -> None:
    said = [("guest", f"Ticket #47{at}: we got your message.", at * 600) for at in range(3)]
    assert is_machine(turns(*said))


@pytest.mark.parametrize("took", [20, 55])
def test_long_answers_that_nobody_can_type_so_quickly_are_a_machine(took: int) -> None:
    assert is_machine(rounds(took, "Dear host, as the assistant of the guest I can tell. " * 20))


@pytest.mark.parametrize("took", [6, 14])
def test_a_guest_who_types_short_questions_at_once_is_no_machine(took: int) -> None:
    assert not is_machine(rounds(took, "and the "))


def test_a_long_message_written_beforehand_is_no_machine() -> None:
    assert not is_machine(rounds(90, "We are five friends who come by train. " * 40))


def test_emoji_in_a_row_are_a_machine_only_where_they_are_the_same() -> None:
    assert is_machine(turns(*[("guest", "🙂", at * 600) for at in range(3)]))
    assert not is_machine(turns(*[("guest", sign, 600) for sign in "🙂🙏❤"]))
