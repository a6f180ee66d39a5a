"""What a stranger may ask of the desk, and what must not come back."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests import wild
from tests.doors import Answer, Doors

PATHS = ("/cases", "/case/acme/1", "/case/1", "/drafts", "/live", "/open/x", "/static/desk.css")
SECRETS = ("secret", "48151", "Traceback", 'File "', "asyncpg", "nightdesk.", "select ")


@st.composite
def desk_requests(draw: st.DrawFn) -> dict[str, Any]:
    """What a stranger may ask of the desk."""
    path = draw(st.sampled_from(PATHS) | st.builds("/{}".format, wild.ANY_TEXT)) + draw(
        st.sampled_from(["", "/", "/take", "/reply", "/resolve", "/send", "/..", "/%2e%2e/x"])
    )
    header = st.sampled_from(["cookie", "authorization", "host", "x-forwarded-for", "accept"])
    values = st.sampled_from(
        [
            "nightdesk_session=x.y",
            "nightdesk_session=",
            "Bearer x",
            "Basic eDp4",
            "evil\r\nx: y",
            "\xff",
        ]
    ) | st.text(st.characters(max_codepoint=255), max_size=20)
    kind = draw(
        st.sampled_from(
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
             "multipart/form-data; boundary=x; charset=unicode_escape", "multipart/form-data", ""]
        )
    )  # fmt: skip
    body = draw(
        st.sampled_from([b"", b"a=1&" * 30, b"text=%00%ff&form_token=x", b"--x\r\n", b"--x--"])
        | st.binary(max_size=60)
    )
    return {
        "method": draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "X"])),
        "path": path[:3000],
        "query": draw(st.sampled_from([b"", b"tenant=%00", b"note=<script>", b"tenant=acme"])),
        "headers": [("content-type", kind), *draw(st.lists(st.tuples(header, values), max_size=3))],
        "body": body,
    }  # fmt: skip


async def ask_desk(doors: Doors, request: Mapping[str, Any]) -> Answer:
    """A stranger is told what is wrong, and nothing else."""
    answer = await doors.ask(doors.desk, **request)
    assert answer.status in (200, 303, 307, 400, 401, 403, 404, 405, 414), answer
    assert answer.status != 200 or request["path"].rstrip("/") == "/static/desk.css", answer
    assert answer.is_ours, answer
    text = answer.body.decode(errors="replace")
    assert not any(secret in text for secret in SECRETS), text
    assert "set-cookie" not in dict(answer.headers)
    return answer
