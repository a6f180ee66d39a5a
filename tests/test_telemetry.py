"""Log lines and spans: one trace id, no guest's words, no words of others' errors."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from app.errors import NotFound
from app.settings import TelemetrySettings
from app.telemetry import (
    JsonLines,
    Telemetry,
    current_trace_id,
    current_trace_parent,
    describe_error,
    start_logging,
)

ROOT = Path(__file__).parent.parent
WORDS = "my wife is locked out, Jan Kowalski +48500100200"


class Lines:
    """What loggers wrote, read as JSON."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        """Every line."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def last(self) -> dict[str, Any]:
        """The newest line."""
        return self.all()[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Our formatter on loggers of ours and of others."""
    written = Lines()
    handler = logging.StreamHandler(written.stream)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("app.x", "asyncio", "library")]
    for logger in loggers:
        logger.addHandler(handler)
    yield written
    for logger in loggers:
        logger.removeHandler(handler)


OURS = logging.getLogger("app.x")
THEIRS = logging.getLogger("library")


class Kept(SpanExporter):
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        """Keep them."""
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def test_what_is_over_is_recorded_with_its_own_moments() -> None:
    kept = Kept()
    telemetry = Telemetry(TelemetrySettings(), kept)
    began_at = datetime(2026, 4, 13, 12, 0, 0, 250_000, tzinfo=UTC)
    with telemetry.span("call"):
        telemetry.record(
            "call answer",
            began_at=began_at,
            ended_at=began_at + timedelta(seconds=1),
            sound_ms=1000,
        )
    telemetry.close()
    answer, call = kept.spans
    assert (answer.name, dict(answer.attributes or {})) == ("call answer", {"sound_ms": 1000})
    assert answer.start_time == 1_776_081_600_250_000_000
    assert (answer.end_time or 0) - answer.start_time == 1_000_000_000
    assert answer.parent is not None
    assert answer.parent.span_id == call.context.span_id


def test_a_log_line_is_one_json_object_with_its_extras(lines: Lines) -> None:
    before = datetime.now(UTC)  # noqa: TID251
    OURS.error("job failed", extra={"job": "chat.reply", "at_attempt": 3, "when": before})
    line = lines.last()
    assert (line["level"], line["logger"], line["message"]) == ("error", "app.x", "job failed")
    assert (line["job"], line["at_attempt"]) == ("chat.reply", 3)
    assert abs((datetime.fromisoformat(line["at"]) - before).total_seconds()) < 60
    assert "trace" not in line


def test_a_line_carries_the_trace_it_belongs_to(lines: Lines) -> None:
    with Telemetry(TelemetrySettings()).span("webhook"):
        OURS.error("inside")
        assert lines.last()["trace"] == current_trace_id()
        assert len(lines.last()["trace"]) == 32
    assert current_trace_id() is None


def test_what_may_hold_a_guests_words_is_left_out(lines: Lines) -> None:
    OURS.error("message came", extra={"pii.text": WORDS, "pii.phone": "+48500100200", "case": 4})
    assert lines.last()["case"] == 4
    assert "pii" not in lines.stream.getvalue()
    assert "Kowalski" not in lines.stream.getvalue()


def test_words_of_others_errors_are_never_logged_ours_are(lines: Lines) -> None:
    for error in (ValueError(WORDS), NotFound("there is no tenant 'x'")):
        try:
            raise error
        except (ValueError, NotFound) as exc:
            OURS.exception("failed", extra={"why": exc})
    theirs, ours = lines.all()
    assert (theirs["error"], theirs["why"]) == ("ValueError", "ValueError")
    assert ours["error"] == ours["why"] == "NotFound: there is no tenant 'x'"
    assert theirs["where"][-1].startswith("test_telemetry.py:")
    assert "Kowalski" not in lines.stream.getvalue()


def test_a_librarys_line_is_cut_to_its_outline(lines: Lines) -> None:
    THEIRS.error("job %s failed: %s", 7, ValueError(WORDS), extra={"transcript": WORDS})
    assert lines.last()["message"] == "job %s failed: %s"
    THEIRS.error("Task exception was never retrieved\nexception=ValueError('%s')", WORDS)
    assert lines.last()["message"] == "Task exception was never retrieved"
    THEIRS.error(OSError(98, WORDS))
    assert lines.last()["message"] == "OSError"
    try:
        raise ValueError(WORDS)
    except ValueError:
        THEIRS.exception("it broke")
    assert lines.last()["error"] == "ValueError"
    assert "Kowalski" not in lines.stream.getvalue()


@pytest.mark.parametrize("value", [2**70, "\ud800", {1: "x"}, {1, 2}, object(), b"\xff"])
def test_an_odd_value_does_not_lose_the_line(lines: Lines, value: object) -> None:
    OURS.error("odd", extra={"value": value, "job": "x"})
    assert (lines.last()["message"], lines.last()["job"]) == ("odd", "x")


def test_logging_goes_to_stdout_from_the_configured_level_and_libraries_keep_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    try:
        start_logging(TelemetrySettings(log_level="INFO"))
        OURS.info("seen")
        OURS.debug("not seen")
        logging.getLogger("arq.worker").info("not seen")
        logging.getLogger("uvicorn.error").info("not seen")
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    written = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert written == ["seen"]


def test_spans_share_the_trace_that_travelled_with_the_work() -> None:
    kept = Kept()
    telemetry = Telemetry(TelemetrySettings(service_name="desk"), kept)
    with telemetry.span("webhook", tenant="acme"):
        parent, trace = current_trace_parent(), current_trace_id()
        with telemetry.span("inner"):
            assert current_trace_id() == trace
    assert parent is not None
    with telemetry.span("job", parent=parent):
        assert current_trace_id() == trace
    with telemetry.span("other"):
        assert current_trace_id() != trace
    telemetry.close()
    spans = {span.name: span for span in kept.spans}
    outer = spans["webhook"]
    assert outer.context is not None
    for name in ("inner", "job"):
        found = spans[name].parent
        assert found is not None
        assert found.span_id == outer.context.span_id
    assert dict(outer.attributes or {}) == {"tenant": "acme"}
    assert outer.resource.attributes["service.name"] == "desk"


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-00", "00-" + "0" * 32 + "-1-01"])
def test_a_parent_that_is_none_starts_a_trace_of_its_own(parent: str) -> None:
    with Telemetry(TelemetrySettings()).span("job", parent=parent):
        assert current_trace_id() is not None


@pytest.mark.parametrize(
    ("error", "said"), [(ValueError(WORDS), "ValueError"), (NotFound("gone"), "NotFound: gone")]
)
def test_a_failed_span_says_the_kind_and_never_others_words(error: Exception, said: str) -> None:
    kept = Kept()
    telemetry = Telemetry(TelemetrySettings(), kept)
    with pytest.raises(type(error)), telemetry.span("work"):
        raise error
    telemetry.close()
    span = kept.spans[0]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, said)
    assert span.events == ()
    assert "Kowalski" not in span.to_json()


def test_no_trace_no_parent() -> None:
    assert current_trace_parent() is None


def test_an_error_is_described_by_its_kind_and_ours_by_its_words() -> None:
    assert describe_error(KeyError("Jan")) == "KeyError"
    assert describe_error(NotFound("no tenant")) == "NotFound: no tenant"


@pytest.mark.parametrize("is_configured", [True, False])
def test_spans_go_out_only_where_an_endpoint_is_configured(is_configured: bool) -> None:
    got = list[str]()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces" if is_configured else ""
    telemetry = Telemetry(TelemetrySettings(otlp_endpoint=endpoint))
    with telemetry.span("work"):
        pass
    telemetry.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert got == (["/v1/traces"] if is_configured else [])


CRASH = f"""
import logging, sys, threading
from app.telemetry import keep_words_out_of_crashes
keep_words_out_of_crashes()
words = {WORDS!r}
class Unloved:
    def __del__(self):
        raise LookupError(words)
def fail():
    raise KeyError(words)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Unloved()
logging.basicConfig()
logging.getLogger("x").warning("%d", words)
raise ValueError(words)
"""
"""Ways for an error that nobody foresaw to reach stderr."""


def test_a_crash_leaves_its_place_on_stderr_and_no_words() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert [line.split(" at ")[0] for line in lines] == [
        "nightdesk: a thread ended by KeyError",
        "nightdesk: passed over LookupError",
        "nightdesk: ended by ValueError",
    ]
    assert all("<string>:" in line for line in lines)
    assert "Jan" not in ended.stderr
