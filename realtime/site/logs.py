"""Logs: one event a line, a fixed message, the data in fields.

Write ``logger.info("socket closed", extra={"user": 7, "code": 4002})``. In production a line is one
JSON object; on a terminal it is the message followed by ``name=value``. The text of a message or a
notification is never logged, and secrets are hidden whatever logs them.
"""

import logging
from http import HTTPStatus
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from realtime.core.monitoring import request_ids
from realtime.core.monitoring.hidden_secrets import hide

# Django adds the request, which is not a value to print.
_NOT_FIELDS = frozenset({*RESERVED_ATTRS, "node", "request"})


class JsonLines(JsonFormatter):
    """A line for a program: one JSON object."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}{node}",
            style="{",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, "request"],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return hide(super().format(record))


class ConsoleLines(logging.Formatter):
    """A line for a person: time, level, logger, message and the fields as ``name=value``."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime} {levelname:<7} {name}: {message}", datefmt="%H:%M:%S", style="{"
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback if there is one."""
        return hide(super().format(record))

    # The name is that of logging's own method.
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        fields = [
            f"{name}={value!r}" for name, value in vars(record).items() if name not in _NOT_FIELDS
        ]
        return " ".join([super().formatMessage(record), *fields])


class ContextFilter(logging.Filter):
    """Add to every record the node, and the ids of the requests that it works for, if any.

    The logs of all nodes may be collected in one place. ``request_id`` is the one in nginx's log.
    """

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node = node

    def filter(self, record: logging.LogRecord) -> bool:
        record.node = self.node
        if ids := request_ids.shown():
            record.request_id = ids
        return True


class RefusalFilter(logging.Filter):
    """Take the traceback from the line of a refused request: 403 is an answer, not a fault."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if getattr(record, "status_code", None) == HTTPStatus.FORBIDDEN:
            record.exc_info = record.exc_text = None
        return True


def logging_config(*, level: str, style: str, node: str) -> dict[str, Any]:
    """Return Django's ``LOGGING``: everything goes to stderr, for the process supervisor.

    ``style`` is ``json`` or ``console``.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "context": {"()": ContextFilter, "node": node},
            "refusals": {"()": RefusalFilter},
        },
        "formatters": {"console": {"()": ConsoleLines}, "json": {"()": JsonLines}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": style,
                "filters": ["context", "refusals"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would print its lines a second time, and mail them.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # DEBUG would log every SQL statement, and with it the text of messages.
            "django.db.backends": {"level": "INFO"},
            "daphne": {"level": "WARNING"},  # its access log is two lines per socket
            # Both log a traceback every second while the broker is away;
            # realtime.engine.channel_layer logs once that it is away and once that it is back.
            "channels_redis": {"level": "CRITICAL"},
            "channels_rabbitmq": {"level": "CRITICAL"},
        },
    }
