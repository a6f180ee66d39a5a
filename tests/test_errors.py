"""The error family: each says its HTTP status, and outside errors say who and whether again."""

import pytest

from app import errors
from app.errors import OutsideError, ProductError

STATUSES = {
    "ProductError": 500, "BadInput": 400, "Forbidden": 403, "NotFound": 404, "Conflict": 409,
    "Unavailable": 503, "OutsideError": 502,
}  # fmt: skip


def test_every_error_has_its_status() -> None:
    family = {
        name: known.status_code
        for name, known in vars(errors).items()
        if isinstance(known, type) and issubclass(known, ProductError)
    }
    assert family == STATUSES


@pytest.mark.parametrize("retryable", [True, False])
def test_an_outside_error_says_who_failed_and_whether_to_try_again(retryable: bool) -> None:
    error = OutsideError("it refused", outside="hostaway", retryable=retryable)
    assert (str(error), error.outside, error.retryable) == ("it refused", "hostaway", retryable)
    assert isinstance(error, ProductError)
