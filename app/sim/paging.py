"""Hostaway's paging: `limit` and `offset`, `afterId` where it is allowed, `page` always ignored."""

from collections.abc import Callable

from starlette.responses import Response

from app.sim.answers import success
from app.sim.hostaway_gate import Call
from app.sim.rows import Row

_DEFAULT_LIMIT = 100
_MOST = 500


def page_of(
    call: Call, rows: list[Row], *, shape: Callable[[Row], Row] | None = None, by_id: bool = False
) -> Response:
    """The part of the rows that the query asks for, in the list envelope.

    Args:
        call: the request.
        rows: all rows under its filters, in order.
        shape: how a row looks in the answer; only the rows of the page are shaped.
        by_id: whether `afterId` counts here; it then wins over `offset`.
    """
    limit = max(1, min(call.number("limit", _DEFAULT_LIMIT), _MOST))
    offset = max(0, call.number("offset"))
    after_id = call.number("afterId")
    if by_id and after_id:
        places = [place for place, row in enumerate(rows) if row["id"] == after_id]
        offset = places[0] + 1 if places else len(rows)
    page = rows[offset : offset + limit]
    return success(
        [shape(row) for row in page] if shape else page,
        limit=limit,
        offset=offset,
        count=len(rows),
        page=offset // limit + 1,
        totalPages=-(-len(rows) // limit),
    )
