"""Concepts across languages, typing errors, coverage, and telling languages apart."""

import pytest

from app.sim.retrieval import coverage, detect_language, lexicon, perceive


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("where can we park", "parking"),
        ("gdzie zaparkować", "parking"),
        ("wo ist der Parkplatz", "parking"),
        ("أين الموقف", "parking"),
        ("can we check in early", "early_checkin"),
        ("czy można wcześniej się zameldować", "early_checkin"),
        ("die Heizung funktioniert leider nicht", "defect"),
        ("can we check in at 10?", "early_checkin"),
    ],
)
def test_a_concept_is_seen_in_any_language(text, concept):
    assert concept in perceive(text).concepts


def test_a_time_in_the_afternoon_is_no_early_arrival():
    assert "early_checkin" not in perceive("can we check in at 16:00?").concepts


def test_a_longer_term_hides_the_alarming_word_in_it():
    assert not perceive("where is the fire extinguisher?").of_kind("alarm")


def test_a_typing_error_is_read_only_when_forgiving():
    assert "parking" not in perceive("prkaing").concepts
    assert "parking" in perceive("paarking", forgiving=True).concepts


def test_a_password_alone_means_the_wifi():
    assert "wifi" in perceive("what's the password").concepts
    assert "wifi" not in perceive("the password of the door").concepts


def test_coverage_is_the_share_of_what_is_asked():
    asked = perceive("wifi and parking")

    assert coverage(asked, {"wifi": 1.0, "parking": 1.0}, ()) == 1.0
    assert coverage(asked, {"wifi": 1.0}, ()) == 0.5
    assert coverage(asked, {"pets": 1.0}, ()) == 0.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("what time can we arrive", "en"),
        ("o ktorej mozemy przyjechac", "pl"),
        ("wann können wir anreisen", "de"),
        ("متى نصل", "ar"),
    ],
)
def test_the_language_of_a_text_is_told(text, language):
    assert detect_language(text, default="en" if language != "en" else "pl") == language


def test_a_text_without_a_language_falls_back_to_earlier_ones():
    assert detect_language("👍", "dziękuję bardzo") == "pl"
    assert detect_language("👍", default="de") == "de"


def test_every_combined_concept_names_known_ones():
    concepts = lexicon().concepts

    for concept in concepts.values():
        assert {*concept.members, *concept.near} <= concepts.keys()
        assert concept.alone is None or concept.alone in concepts
