"""What the story looks like in a terminal."""

import io

from app.sim.stage import (
    WIDTH,
    Check,
    Line,
    Played,
    Stage,
    check_text,
    line_parts,
    printable,
    summary_rows,
    table,
    visible_width,
    wrapped,
)


def make_played(**more: object) -> Played:
    fields: dict[str, object] = {
        "letter": "a",
        "title": "A burst",
        "setting": "Katarzyna writes Polish",
        "lines": (Line(at_s=0.0, label="guest", text="Dzień dobry!"),),
        "checks": (Check(claim="one reply", is_met=True),),
        **more,
    }
    return Played(**fields)  # type: ignore[arg-type]


def shown(played: Played, *, has_colours: bool = False) -> str:
    out = io.StringIO()
    Stage(out, has_colours=has_colours).scene(played)
    return out.getvalue()


def test_a_line_has_its_time_and_its_label_in_columns() -> None:
    (part,) = line_parts(Line(at_s=4.25, label="reply", text="hello"))
    assert part == "    +4.2 s  reply     hello"


def test_a_long_line_goes_on_below_its_text() -> None:
    first, second = line_parts(Line(at_s=1.0, label="guest", text="word " * 25))
    assert len(first) <= WIDTH
    assert second.startswith(" " * 22 + "word")


def test_a_line_keeps_its_paragraphs() -> None:
    parts = line_parts(Line(at_s=1.0, label="operator", text="$ nightdesk\ndone"))
    assert [part.strip() for part in parts] == ["+1.0 s  operator  $ nightdesk", "done"]


def test_a_scene_shows_what_happened_and_its_checks() -> None:
    text = shown(make_played())
    assert "(a) A burst\n" in text
    assert "guest     Dzień dobry!" in text
    assert "  ✓ one reply\n" in text


def test_a_failed_check_tells_what_was_seen() -> None:
    check = Check(claim="one reply", is_met=False, saw="2 replies")
    assert "  ✗ one reply; saw: 2 replies\n" in shown(make_played(checks=(check,)))


def test_a_check_that_holds_tells_nothing_more() -> None:
    assert check_text(Check(claim="one reply", is_met=True, saw="hello")) == "one reply"


def test_a_scene_without_checks_is_not_good() -> None:
    assert not make_played(checks=()).is_good
    assert make_played().is_good


def test_there_are_no_colours_unless_asked_for() -> None:
    assert "\x1b" not in shown(make_played())
    assert "\x1b[32m✓\x1b[0m" in shown(make_played(), has_colours=True)


def test_what_guests_write_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2Jb\rc\x07d\ne") == "a[2Jbcd\ne"


def test_marks_and_wide_letters_count_as_the_terminal_counts_them() -> None:
    assert visible_width("abc") == 3
    assert visible_width("مُ") == 1
    assert visible_width("日本") == 4


def test_no_line_of_the_summary_is_wider_than_the_terminal() -> None:
    played = make_played(
        title="A title that is much too long for any column of a table " * 2,
        action_codes=("ACCESS_INSTRUCTIONS", "HOUSE_RULES"),
        answered_by=("Basia",),
        latencies_ms=(828, 12000),
        slack="alert 102 ms\nworse 128 ms",
    )
    lines = table(summary_rows([played]))
    assert all(visible_width(line) <= WIDTH - 2 for line in lines)
    assert any("828" in line for line in lines)
    assert any("ACCESS_INSTRUCTIONS" in line for line in lines)


def test_an_empty_cell_of_the_summary_is_a_dash() -> None:
    _, row = summary_rows([make_played()])
    assert row == ("a", "A burst", "–", "–", "–", "–", "✓")


def test_columns_of_a_table_stand_in_line() -> None:
    assert table([("a", "bb", "x"), ("ccc", "d", "y")]) == ["a    bb  x", "ccc  d   y"]


def test_several_values_of_a_cell_stand_below_each_other() -> None:
    assert table([("a", "b\nlong", "x")]) == ["a  b     x", "   long"]


def test_addresses_are_never_broken() -> None:
    out = io.StringIO()
    link = "http://127.0.0.1/open/" + "x" * 150
    Stage(out, has_colours=False).places([("a case", link), ("all", "y")])
    assert out.getvalue() == f"  a case  {link}\n  all     y\n"


def test_an_empty_text_is_one_empty_line() -> None:
    assert wrapped("", 20) == [""]
