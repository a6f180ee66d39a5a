"""Choosing among codes: scores, other parts, and what alarms."""

from app.sim.reading import Code
from app.sim.routing import choose_code

BIKES = Code(name="BIKES", description="wants to rent a bike", examples=("rent a bike",))
PEOPLE = Code(name="PEOPLE", description="complaint, something broken, refund", examples=())
QUIET = Code(name="QUIET", description="thanks, no reply needed", examples=())
CODES = (BIKES, PEOPLE, QUIET)


def test_the_other_codes_of_a_burst_are_told():
    route = choose_code(CODES, ("Can we rent a bike?", "and the shower is broken"))

    assert route.code == "PEOPLE"
    assert route.other_codes == ("BIKES",)
    assert not route.covers_all


def test_a_clear_match_scores_higher_than_a_stranger():
    clear = choose_code(CODES, ("Can we rent a bike?",))
    strange = choose_code(CODES, ("Do you like opera?",))

    assert clear.score > 0.8
    assert strange.score < 0.3


def test_a_code_may_own_a_defect_by_its_examples():
    heating = Code(
        name="HEATING_HELP", description="heating", examples=("the heating is not working",)
    )

    assert choose_code((*CODES, heating), ("heating is not working",)).code == "HEATING_HELP"
    assert choose_code((*CODES, heating), ("the fridge is not working",)).code == "PEOPLE"


def test_a_code_for_everything_else_takes_what_nobody_takes():
    rest = Code(name="REST", description="any other question", examples=())
    route = choose_code((*CODES, rest), ("Is there a museum nearby?",))

    assert route.code == "REST"


def test_words_without_a_quiet_code_score_low():
    assert choose_code((BIKES, PEOPLE), ("thanks!",)).score < 0.6
