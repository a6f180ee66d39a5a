"""JSON log lines and OpenTelemetry spans that share one trace id from webhook to reply.

Values that may hold words or names of guests stand only under keys that begin with `pii.`, and are
left out of log lines; door codes and other secrets are never given to either.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import orjson
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.settings import TelemetrySettings

OTLP_MODULE = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
"""Loaded only where spans go out: it brings protobuf and an HTTP client."""
STANDARD_FIELDS = frozenset(
    logging.LogRecord("", 0, "", 0, "", (), None).__dict__ | {"message": "", "taskName": ""}
)
OUR_LOGGERS = ("app", "__main__")
QUIET_LOGGERS = (
    "aiohttp.access", "arq", "asyncio", "httpcore2", "httpx2", "openai", "slack_sdk", "uvicorn",
)  # fmt: skip


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, trace, and the record's extras."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        is_ours = record.name.split(".")[0] in OUR_LOGGERS
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if is_ours else _outline(record),
        }
        if trace_id := current_trace_id():
            line["trace"] = trace_id
        if is_ours:
            line |= {
                key: value
                for key, value in record.__dict__.items()
                if key not in STANDARD_FIELDS and not key.startswith("pii.")
            }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
            line["where"] = _where(record.exc_info[1])
        try:
            return orjson.dumps(line, default=_plain).decode()
        except orjson.JSONEncodeError:
            return json.dumps(line, default=_plain, skipkeys=True)


def start_logging(settings: TelemetrySettings) -> None:
    """Send every log line to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def keep_words_out_of_crashes() -> None:
    """Have what nobody foresaw end in one line on stderr; tracebacks quote values of guests."""
    sys.excepthook = lambda _, error, __: tell_crash("ended by", error)
    threading.excepthook = lambda crash: tell_crash("a thread ended by", crash.exc_value)
    sys.unraisablehook = lambda crash: tell_crash("passed over", crash.exc_value)
    logging.raiseExceptions = False


def tell_crash(what: str, error: BaseException | None) -> None:
    """One line on stderr about an error that nobody foresaw: kind and place, none of its words."""
    if isinstance(error, KeyboardInterrupt) or error is None:
        return
    steps = ", ".join(_where(error)) or "an unknown place"
    sys.stderr.write(f"nightdesk: {what} {describe_error(error)} at {steps}\n")


class Telemetry:
    """The process's tracer; spans go out by OTLP when an endpoint is configured."""

    def __init__(self, settings: TelemetrySettings, exporter: SpanExporter | None = None) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": settings.service_name})
        )
        if settings.otlp_endpoint:
            exporter = import_module(OTLP_MODULE).OTLPSpanExporter(endpoint=settings.otlp_endpoint)
        if exporter is not None:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("nightdesk")

    @contextmanager
    def span(
        self, name: str, *, parent: str | None = None, **attributes: str | int | float | bool
    ) -> Iterator[trace.Span]:
        """A span around a piece of work; `parent` is a W3C traceparent that travelled with it."""
        context = _context_of(parent) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context=context,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as exc:
                span.set_status(Status(StatusCode.ERROR, describe_error(exc)))
                raise

    def record(
        self,
        name: str,
        *,
        began_at: datetime,
        ended_at: datetime,
        **attributes: str | int | float | bool,
    ) -> None:
        """A span of what is over already, as its moments were noted on the way."""
        span = self._tracer.start_span(name, attributes=attributes, start_time=_epoch_ns(began_at))
        span.end(_epoch_ns(ended_at))

    def close(self) -> None:
        """Flush what was not exported."""
        self._provider.shutdown()


def current_trace_id() -> str | None:
    """The trace this work belongs to, 32 hex digits."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def current_trace_parent() -> str | None:
    """The W3C traceparent to hand to a job."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def describe_error(error: BaseException) -> str:
    """An error's kind; its words only where they are ours, for others may quote guests."""
    if type(error).__module__.startswith("app."):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _epoch_ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


def _plain(value: object) -> str:
    return describe_error(value) if isinstance(value, BaseException) else str(value)


def _outline(record: logging.LogRecord) -> str:
    """What a library says, without the values it puts in: they may quote guests."""
    if isinstance(record.msg, BaseException):
        return describe_error(record.msg)
    return str(record.msg).split("\n", 1)[0]


def _context_of(traceparent: str) -> Context:
    carrier: Mapping[str, str] = {"traceparent": traceparent}
    return TraceContextTextMapPropagator().extract(carrier)


def _where(error: BaseException) -> list[str]:
    places = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{step.tb_lineno} {code.co_name}")
        step = step.tb_next
    return places[-6:]
