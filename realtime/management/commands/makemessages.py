"""Django's command, which also collects the messages of errors and the plurals of scripts.

The first argument of every ``HoldfastError`` is text for a person. Scripts count with ``counted``
(static/realtime/lib/language.js).
"""

from collections.abc import Iterator
from typing import Any

from django.core.management.commands.makemessages import Command as MakeMessages

from realtime.protocol.errors import HoldfastError


def _kinds(kind: type[HoldfastError]) -> Iterator[type[HoldfastError]]:
    yield kind
    for found in kind.__subclasses__():
        yield from _kinds(found)


class Command(MakeMessages):
    """Collect the texts of the code."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect one domain: ``django`` (Python and templates) or ``djangojs`` (scripts)."""
        own = (
            sorted({kind.__name__ for kind in _kinds(HoldfastError)})
            if options["domain"] == "django"
            else ["counted:1,2"]
        )
        self.xgettext_options = [
            *MakeMessages.xgettext_options,
            *(f"--keyword={name}" for name in own),
        ]
        super().handle(*args, **options)
