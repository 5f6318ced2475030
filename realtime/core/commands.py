"""The commands that a client may send, by name: their fields, and the functions that handle them.

The same registry serves a socket and ``POST /api/commands``. A set of commands can build on another
set.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_type_hints

import msgspec

from realtime.core import metrics
from realtime.core.monitoring import refused_access, tracing
from realtime.protocol.errors import BadRequest, HoldfastError, Unavailable, UnknownCommand, failed
from realtime.protocol.user_ids import UserId

log = logging.getLogger("holdfast.commands")

Fields = TypeVar("Fields", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a command. Plain values; permissions are read from the database when needed."""

    user_id: UserId
    username: str  # empty where users sign in with an e-mail address
    credential: str  # "session:…" or "token:…", with the digest of the key or token


Handler = Callable[[Caller, Any], Awaitable[dict[str, Any]]]
Cost = Callable[[dict[str, Any]], int]
# A large command costs its decoding, and more tokens: 64 KiB takes eight or nine.
CHARACTERS_PER_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the shape of its fields and its handler."""

    name: str
    fields: type[msgspec.Struct]
    handler: Handler
    # May overlap with earlier pipelined commands of the same socket (the writer keeps their order).
    pipelined: bool
    cost: Cost | None = None  # more tokens, by the raw fields; None: none

    async def run(self, caller: Caller, raw: dict[str, Any]) -> dict[str, Any]:
        """Check the fields and call the handler.

        Raises ``BadRequest`` that names the field, or what the handler raises.
        """
        return await self.handler(caller, parse_fields(self.name, raw, self.fields))


class Commands:
    """A set of commands by name."""

    def __init__(self, base: "Commands | None" = None) -> None:
        self._by_name: dict[str, Command] = {}
        self._sets = [base] if base is not None else []

    def __call__(
        self, name: str, *, pipelined: bool = False, cost: Cost | None = None
    ) -> Callable[[Handler], Handler]:
        """Register ``async handler(caller, fields)``; annotate ``fields`` with its struct."""

        def register(handler: Handler) -> Handler:
            fields = get_type_hints(handler)["fields"]
            self._by_name[name] = Command(name, fields, handler, pipelined, cost)
            # At 0 from the start: of a counter that appears at its first refusal, Prometheus does
            # not see that one.
            metrics.commands.labels(name, Unavailable.code)
            return handler

        return register

    def find(self, name: object) -> Command:
        """Return a command.

        Raises ``UnknownCommand``, or ``BadRequest`` if ``name`` is no string.
        """
        if not isinstance(name, str):
            raise BadRequest("command: expected a string")
        if name in self._by_name:
            return self._by_name[name]
        for commands in self._sets:
            if name in commands.names:
                return commands.find(name)
        raise UnknownCommand("There is no command {name!r} here.", name=name[:64])

    def is_pipelined(self, name: object) -> bool:
        """Whether ``name`` is a command that may overlap with others of its kind."""
        try:
            return self.find(name).pipelined
        except HoldfastError:
            return False

    def cost(self, request: dict[str, Any], size: int) -> int:
        """Return the tokens that a command of ``size`` characters takes."""
        tokens = 1 + size // CHARACTERS_PER_TOKEN
        try:
            extra = self.find(request.get("command")).cost
        except HoldfastError:
            return tokens
        return tokens + (extra(request) if extra is not None else 0)

    @property
    def names(self) -> frozenset[str]:
        """All names, including those of the sets that this one includes."""
        return frozenset(self._by_name).union(*(commands.names for commands in self._sets))

    def include(self, commands: "Commands") -> None:
        """Add all commands of another set, now and later; called from ``AppConfig.ready``."""
        if commands not in self._sets:
            self._sets.append(commands)


site_commands: Final = Commands()
"""The commands of all installed apps, for every socket and address that is not for one app only."""


@contextmanager
def counted(
    request: dict[str, Any], names: Collection[str], received_at: float, *, user_id: UserId
) -> Iterator[None]:
    """Count and time one command of a user, from ``received_at`` (monotonic seconds) on.

    It is counted by its name if this is one of ``names``. Raises the ``HoldfastError`` that the
    client is sent; any other exception is logged and becomes one.
    """
    name = request.get("command")
    known = name if isinstance(name, str) and name in names else "unknown"
    result = "ok"
    try:
        with tracing.span("command", command=known):
            yield
    except HoldfastError as error:
        result = error.code
        refused_access.note(user_id, known, error)
        raise
    except Exception as error:
        result = "failed"
        log.exception("command failed", extra={"command": known})
        raise failed() from error
    finally:
        metrics.commands.labels(known, result).inc()
        metrics.command_seconds.labels(known).observe(time.monotonic() - received_at)


def parse_fields(name: str, raw: dict[str, Any], shape: type[Fields]) -> Fields:
    """Return the fields of the command ``name``. Raises ``BadRequest`` that names the field."""
    try:
        return msgspec.convert(raw, shape, strict=True)
    except msgspec.ValidationError as error:
        raise BadRequest(
            "{name}: {problem}", name=name, problem=describe_problem(str(error))
        ) from error


def describe_problem(problem: str) -> str:
    """Put the field first in a message of msgspec.

    "Expected `int`, got `str` - at `$.room`" becomes "room: expected `int`, got `str`".
    """
    what, at, path = problem.partition(" - at `$.")
    if at:
        return f"{path.rstrip('`')}: {what[0].lower()}{what[1:]}"
    return what[0].lower() + what[1:]
