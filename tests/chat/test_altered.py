import random

import pytest

from app.chat.altered import Likeness, letters, likeness

LONG = (
    "I am Guest assistant, the AI assistant of Acme Stays. Check-in is from 15:00 on 2026-04-13. "
    "The entrance is behind the bakery, second door on the left."
)
CODE = "Your door code is [[door_code]]. Go up the blue stairs, please."
POLISH = "Kod do drzwi to [[door_code]]. Wejście jest od podwórza, zażółć gęślą jaźń."
GERMAN = "Der Schlüssel liegt im Kästchen; die Tür öffnet sich nach außen, bitte drücken."
ARABIC = "تسجيل الوصول من الساعة الثالثة، والمدخل خلف المخبز مباشرة."
CALL = "Please call our office at +48 500 100 200 or write to desk@acme.example any time."


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("check in is from 15 00", "Check-in is from 15:00."),
        ("See you soon!", "See you soon! 🙂"),
        ("Code  [[door_code]] welcome to us", "Code [[door_code]], welcome to us"),
        ("Tom &amp; Jerry&#39;s house, first floor", "Tom & Jerry's house, first floor"),
        (LONG.replace(". ", ".\n"), LONG),
        (LONG.replace("'", "\u2019").replace("-", "\u2011"), LONG),
        ("ok!", "Ok"),
        ("\uff2fk", "Ok"),
    ],
)
def test_marks_lines_and_entities_leave_a_text_equal(theirs: str, ours: str) -> None:
    assert likeness(theirs, ours) is Likeness.EQUAL


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Zazolc gesla jazn, prosze bardzo", "Zażółć gęślą jaźń, proszę bardzo"),
        ("Za?ó?? g??l? ja??, prosz? bardzo tu", "Zażółć gęślą jaźń, proszę bardzo tu"),
        ("Der Schluessel liegt im Kaestchen", "Der Schlüssel liegt im Kästchen"),
        ("Der Schlussel liegt im Kastchen", "Der Schlüssel liegt im Kästchen"),
        ("Der Schlssel liegt im Kstchen", "Der Schlüssel liegt im Kästchen"),
        ("".join("?" if c.isalpha() else c for c in ARABIC), ARABIC),
        (CODE.replace("[[door_code]]", "48151#"), CODE),
        (POLISH.replace("[[door_code]]", "4815").replace("ż", "z"), POLISH),
        (CALL.replace("+48 500 100 200", "(phone number hidden)"), CALL),
        (CALL.replace("desk@acme.example", "[removed]").replace("+48 500 100 200", ""), CALL),
        ("Look at (link hidden by the channel) for the map, please.",
         "Look at https://acme.example/map?x=1 for the map, please."),
        (LONG[:100], LONG),
        (LONG[:100] + "…", LONG),
        (LONG[:110] + "... (read more)", LONG),
        (CODE.replace("[[door_code]]", "48151") + "\nSent by Acme Stays", CODE),
        ("Message from Acme Stays: " + LONG, LONG),
        ("New message\n" + LONG + "\n-- Acme", LONG),
    ],
)  # fmt: skip
def test_what_channels_do_to_a_text_does_not_make_it_another(theirs: str, ours: str) -> None:
    assert likeness(theirs, ours) is Likeness.ALTERED


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Yess", "Yes"),
        ("", "Ok"),
        ("Ok", ""),
        ("👍", "🙂"),
        ("Check-in is from 13:00 on 2026-04-13.", "Check-in is from 15:00 on 2026-04-13."),
        (LONG.replace("15:00", "13:00"), LONG),
        (LONG.replace("2026-04-13", "2026-04-14"), LONG),
        (LONG.replace("left", "right"), LONG),
        (LONG.replace("is behind", "is not behind"), LONG),
        (CODE.replace("blue", "red").replace("[[door_code]]", "48151"), CODE),
        (CALL.replace("500 100 200", "500 100 201"), CALL),
        (CALL.replace("desk@acme.example", "call 112233"), CALL),
        (LONG[:50], LONG),
        (LONG + " But for you from 13:00.", LONG),
        (LONG + "\nBut for you from 13:00.", LONG),
        (LONG + " Sorry, that was wrong.", LONG),
        (LONG[:100] + " but the lift is broken today, sorry about that", LONG),
        ("????? ??? ?????", "Completely other words in English"),
        ("Some other words that nobody of us wrote", CODE),
        ("[[door_code]]", "[[door_code]] now"),
    ],
)
def test_another_fact_or_word_makes_it_another_text(theirs: str, ours: str) -> None:
    assert likeness(theirs, ours) is Likeness.OTHER


def test_every_single_changed_word_or_digit_of_a_long_text_is_seen() -> None:
    words = LONG.split()
    for at, word in enumerate(words):
        for other in ("seven", "never", "99"):
            if letters(word) == letters(other) or not letters(word):
                continue
            changed = " ".join([*words[:at], other, *words[at + 1 :]])
            assert likeness(changed, LONG) is Likeness.OTHER, changed


@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_what_channels_drop_is_recognised(seed: int) -> None:
    dice = random.Random(seed)
    ours = dice.choice([LONG, CODE, POLISH, GERMAN, CALL])
    theirs = ours.replace("[[door_code]]", str(dice.randrange(1000, 99999)))
    if dice.random() < 0.5:
        theirs = "".join(c for c in theirs if c.isalnum() or c.isspace() or dice.random() < 0.5)
    if dice.random() < 0.5:
        theirs = "".join(c for c in theirs if c.isascii())
    if dice.random() < 0.5:
        theirs = theirs.replace(" ", dice.choice(["  ", "\n", " 🙂 ", ""]))
    if dice.random() < 0.3:
        theirs = theirs.upper()
    assert likeness(theirs, ours) is not Likeness.OTHER, (seed, theirs)
