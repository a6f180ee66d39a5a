"""Words that stream in become clauses, each as soon as it is whole."""

from collections.abc import AsyncIterator, Iterable

import pytest

from app.voice.clauses import clauses, first_clause


async def streamed(words: Iterable[str]) -> AsyncIterator[str]:
    for word in words:
        yield word


async def cut(text: str) -> list[str]:
    """Clauses of a text that comes letter by letter."""
    return [clause async for clause in clauses(streamed(text))]


async def test_a_sentence_is_given_out_at_its_own_last_character():
    seen: list[str] = []
    fed: list[str] = []

    async def words() -> AsyncIterator[str]:
        for word in ("You ", "can park ", "in front.", " The gate"):
            fed.append(word)
            yield word

    async for clause in clauses(words()):
        seen.append(clause)
        if len(seen) == 1:
            assert fed[-1] == "in front."
    assert seen == ["You can park in front.", "The gate"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello! How are you? Fine.", ["Hello!", "How are you?", "Fine."]),
        ("Yes. You may.", ["Yes.", "You may."]),
        ("Check-in is from 15:00. Bye.", ["Check-in is from 15:00.", "Bye."]),
        ("It costs 10.50 euros a day. Ok.", ["It costs 10.50 euros a day.", "Ok."]),
        ("Der Code ist [[door_code]]. Bitte.", ["Der Code ist [[door_code]].", "Bitte."]),
        ("Ulica ul. Puławska 42. Proszę.", ["Ulica ul. Puławska 42.", "Proszę."]),
        ("Am 3. Dezember um zehn. Gut.", ["Am 3. Dezember um zehn.", "Gut."]),
        ("مرحبا؟ نعم.", ["مرحبا؟", "نعم."]),
        ("one\ntwo", ["one", "two"]),
        ("", []),
        ("...", []),
    ],
)
async def test_texts_are_cut_where_a_speaker_would_breathe(text: str, wanted: list[str]):
    assert await cut(text) == wanted


async def test_the_first_clause_may_end_at_a_comma_so_that_sound_begins_early():
    assert await cut("You can park in front of the house, but not in the yard, please.") == [
        "You can park in front of the house,",
        "but not in the yard, please.",
    ]


async def test_a_first_clause_of_few_words_is_no_beginning():
    assert await cut("Yes, of course, the garage is open.") == [
        "Yes, of course, the garage is open."
    ]


async def test_nothing_is_lost_whatever_the_pieces():
    text = "Am 3. um 10:30 Uhr, sagte Dr. Who, geht es los! Oder? Ja (ul. Nowa 5)."
    for size in (1, 2, 3, 7, 100):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        got = [clause async for clause in clauses(streamed(pieces))]
        assert " ".join(got) == text


@pytest.mark.parametrize(
    "text",
    [
        "You can park in front. The gate opens by itself.",
        "Check-in is from 3 p.m. on Friday, and the code comes then.",
        "Am 3. Mai ist das so. Danach nicht.",
        "- Yes\nThat is on the left of the door, behind the bush.",
    ],
)
async def test_the_first_clause_of_growing_words_is_the_first_of_the_whole(text: str) -> None:
    whole = await cut(text)
    found = (first_clause(text[:end]) for end in range(1, len(text) + 1))
    assert next(clause for clause in found if clause) == whole[0]
