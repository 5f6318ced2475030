"""Traces by OpenTelemetry and errors to Sentry: both optional, both off until they are configured.

Neither receives the text of a message, a cookie or a token. Spans have names, ids and statements
without values. Sentry gets what is logged as an error, without local variables, requests or the
secrets in addresses, and without the message of a database error, which may quote the row.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from holdfast.version import __version__
from realtime.core.monitoring import request_ids
from realtime.core.monitoring.hidden_secrets import hide_within

HIDDEN: Final = "(hidden: may quote a row)"
DATABASE_MODULES: Final = ("django.db", "psycopg", "sqlite3")
Describe = Callable[[dict[str, str]], None]
"""Adds attributes to a span that has begun."""
Spans = Callable[[str, dict[str, str]], AbstractContextManager[Describe]]


class Tracing:
    """The tracer of this process, if there is one."""

    def __init__(self) -> None:
        self.spans: Spans | None = None


_tracing: Final = Tracing()


def _describe_nothing(attributes: dict[str, str]) -> None:
    """Ignore the attributes of a span that nobody wants."""


_NOTHING: Final = nullcontext(_describe_nothing)


def span(name: str, **attributes: str) -> AbstractContextManager[Describe]:
    """Measure a step of the current requests, where traces are on.

    A batch of the writer belongs to the trace of its first request, and names the others.
    """
    if _tracing.spans is None:
        return _NOTHING
    return _tracing.spans(name, attributes)


def wanted() -> bool:
    """Return whether traces are on, so that an attribute is worth computing."""
    return _tracing.spans is not None


def start() -> None:
    """Start what is configured. Raises ``ImproperlyConfigured`` if its packages are missing."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        try:
            _tracing.spans = _opentelemetry()
        except ImportError as error:
            raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT", "otel") from error
    if settings.SENTRY_DSN:
        try:
            _sentry(settings.SENTRY_DSN)
        except ImportError as error:
            raise _missing("SENTRY_DSN", "sentry") from error


def _missing(setting: str, extra: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{setting} is set, but its packages are not installed. Install them with "
        f".venv/bin/pip install '.[{extra}]', or remove the setting."
    )


def _opentelemetry() -> Spans:
    """Export spans to the collector. Its other variables (``OTEL_…``) work too."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create(
        {
            "service.name": "holdfast",
            "service.version": __version__,
            "service.instance.id": settings.HOLDFAST_NODE_NAME,
        }
    )
    provider = TracerProvider(resource=resource)
    address = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    tracer = provider.get_tracer("holdfast", __version__)

    @contextmanager
    def spans(name: str, attributes: dict[str, str]) -> Iterator[Describe]:
        # The message of an exception may quote a text, so no exception is recorded.
        with tracer.start_as_current_span(
            name,
            attributes={**attributes, "holdfast.request_id": request_ids.shown()},
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            try:
                yield current.set_attributes
            except BaseException as error:
                current.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    return spans


def _sentry(dsn: str) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=dsn,
        release=__version__,
        server_name=settings.HOLDFAST_NODE_NAME,
        # Only what is logged: the other integrations read requests, queries and variables.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        include_local_variables=False,
        max_breadcrumbs=0,
        send_default_pii=False,
        before_send=_without_values,
    )


def _without_values(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Drop what may quote a user, and add the id of the request."""
    event["tags"] = {**(event.get("tags") or {}), "request_id": request_ids.shown()}
    # Django's line about a failed request has the request, with its query.
    event.get("extra", {}).pop("request", None)
    for error in event.get("exception", {}).get("values", ()):
        if (error.get("module") or "").startswith(DATABASE_MODULES):
            error["value"] = HIDDEN
    found: dict[str, Any] = hide_within(event)
    return found
