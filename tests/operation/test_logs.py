"""Logs: one event a line, the data in fields."""

import json
import logging

import pytest

from realtime.site.logs import ConsoleLines, ContextFilter, JsonLines, logging_config


def record(**fields: object) -> logging.LogRecord:
    found = logging.getLogger("realtime.engine.hub").makeRecord(
        "realtime.engine.hub", logging.INFO, "hub.py", 1, "socket closed", (), None, extra=fields
    )
    ContextFilter("node-1").filter(found)
    return found


def test_a_line_for_a_program_is_one_object() -> None:
    line = JsonLines().format(record(user=7, code=4002, request=object()))
    fields = json.loads(line)
    assert "\n" not in line
    assert fields.pop("timestamp").endswith("+00:00")
    assert fields == {
        "level": "INFO",
        "logger": "realtime.engine.hub",
        "message": "socket closed",
        "node": "node-1",
        "user": 7,
        "code": 4002,
    }


def test_a_line_for_a_person_has_the_fields_behind_the_message() -> None:
    line = ConsoleLines().format(record(user=7, stream="room.42"))
    assert line.endswith("INFO    realtime.engine.hub: socket closed user=7 stream='room.42'")


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_newline_in_a_field_starts_no_line(style: str) -> None:
    formatter = {"json": JsonLines, "console": ConsoleLines}[style]()
    assert "\n" not in formatter.format(record(username="mallory\nINFO all is well"))


def test_statements_are_never_logged() -> None:
    assert (
        logging_config(level="DEBUG", style="json", node="n")["loggers"]["django.db.backends"][
            "level"
        ]
        == "INFO"
    )
