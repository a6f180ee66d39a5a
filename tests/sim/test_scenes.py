"""The scenes as they are cast."""

from app.sim.scenes import DUBAI, SCENES, WARSAW


def test_there_are_the_eight_scenes_in_order() -> None:
    assert "".join(scene.letter for scene in SCENES) == "abcdefgh"


def test_every_guest_comes_once() -> None:
    """Slack's posts are told apart by the guest's name."""
    names = [scene.wish.guest for scene in SCENES]
    assert len(set(names)) == len(names)


def test_both_companies_and_all_four_languages_are_on_stage() -> None:
    assert {scene.wish.account for scene in SCENES} == {WARSAW, DUBAI}
    assert {scene.language for scene in SCENES} == {"pl", "de", "en", "ar"}
