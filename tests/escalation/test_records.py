import pytest

from app.escalation.records import SEVERITIES, Severity, worse


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("low", "high", "high"), ("critical", "low", "critical"), ("normal", "normal", "normal")],
)
def test_the_graver_of_two_is_the_same_either_way(
    one: Severity, other: Severity, expected: Severity
) -> None:
    assert worse(one, other) == expected
    assert worse(other, one) == expected


def test_severities_stand_from_harmless_to_dangerous() -> None:
    assert SEVERITIES == ("low", "normal", "high", "critical")
