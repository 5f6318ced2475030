"""Errors of commands that programs call: with ``--json`` they are JSON as well."""

import json
import sys
from typing import Any, Final, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

FLAG: Final = "--json"


class JsonCommand(BaseCommand):
    """A command with ``--json``, whose standard output is then one JSON document in any case."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser whose complaints are JSON where JSON was asked for."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        complain = parser.error

        def error(message: str) -> NoReturn:
            if FLAG in sys.argv and getattr(self, "_called_from_command_line", False):
                self._refuse(message)
            complain(message)
            raise SystemExit(2)  # not reached: the parser has ended the process

        parser.error = error  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the command. Exits with 1 after an error that was written as JSON."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if not options.get("json"):
                raise
            self._refuse(str(error))

    def _refuse(self, message: str) -> NoReturn:
        self.stdout.write(json.dumps({"error": message, "problems": message.splitlines()}))
        raise SystemExit(1)
