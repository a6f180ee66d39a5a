"""The error family: every error that a person or another program may see."""

from typing import ClassVar


class ProductError(Exception):
    """Anything that went wrong in a way we foresaw; the message is safe to show."""

    status_code: ClassVar[int] = 500


class BadInput(ProductError):
    """What was given cannot be used; the message says where and what to do instead."""

    status_code = 400


class Forbidden(ProductError):
    """The caller is known, or not, and may not do this."""

    status_code = 403


class NotFound(ProductError):
    """There is no such thing for this tenant."""

    status_code = 404


class Conflict(ProductError):
    """Somebody else was first, or the state has moved on."""

    status_code = 409


class Unavailable(ProductError):
    """We cannot do it now (the database is away, we are shutting down); try again."""

    status_code = 503


class OutsideError(ProductError):
    """Something outside the process failed us."""

    status_code = 502

    def __init__(self, message: str, *, outside: str, retryable: bool) -> None:
        super().__init__(message)
        self.outside = outside
        """Who failed: `hostaway`, `model`, `slack` …"""
        self.retryable = retryable
        """Whether the same call may be made again without doing harm."""
