"""The judge of a JSON text that the fast decoder refused, or that looks suspicious.

Is it JSON (RFC 8259), what is its id, what is wrong with it? A decoder stops at the first thing that it cannot carry, but whoever sent an object with an id is owed an answer with that id. So this
scanner reads every token: without recursion (30,000 levels fit into one message), in linear time, and it builds no value.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

import msgspec

MAX_DEPTH = 64  # levels of arrays and objects; no command needs more than three
MAX_INTEGER_DIGITS = 19  # of a signed 64-bit number, which is what the database holds
FIELD_SHOWN = 64  # characters of a field's name in an error

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
      | (?P<number>-?+(?:0|[1-9][0-9]*+)(?P<fraction>(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+))
      | (?P<word>true|false|null)
      | (?P<mark>[\[\]{}:,])
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\n\r]*+")


class NotJson(Exception):
    """The text is not JSON; the message says where."""


class Scan(NamedTuple):
    """What a text holds at its top level."""

    id_span: tuple[int, int] | None  # where the digits of the object's integer `id` stand; None: there is none, or it is no object
    problem: str | None  # "field: what cannot be carried", the first one


def scan(text: str) -> Scan:
    """Read the whole text. Raises ``NotJson``."""
    scanner = _Scanner()
    at = 0
    while scanner.wants is not _Wants.NOTHING:
        token = _TOKEN.match(text, at)
        if token is None or not scanner.take(token):
            raise NotJson(f"this is no JSON at character {at}")
        at = token.end()
    if _SPACE.fullmatch(text, at) is None:
        raise NotJson(f"something follows the JSON value at character {at}")
    return Scan(scanner.id_span, scanner.problem)


def fits(digits: str) -> bool:
    """Whether an integer fits into 64 bits with a sign."""
    return len(digits.lstrip("-")) <= MAX_INTEGER_DIGITS and -(2**63) <= int(digits) < 2**63


class _Wants(Enum):
    """What may come next."""

    VALUE = auto()
    VALUE_OR_CLOSE = auto()  # after "["
    NAME = auto()
    NAME_OR_CLOSE = auto()  # after "{"
    COLON = auto()
    COMMA_OR_CLOSE = auto()
    NOTHING = auto()


_VALUES = (_Wants.VALUE, _Wants.VALUE_OR_CLOSE)
_NAMES = (_Wants.NAME, _Wants.NAME_OR_CLOSE)
_CLOSES = (_Wants.COMMA_OR_CLOSE, _Wants.VALUE_OR_CLOSE, _Wants.NAME_OR_CLOSE)
_CLOSE_OF = {"[": "]", "{": "}"}


class _Scanner:
    """What has to be known between two tokens. ``take…`` return False where the token must not stand."""

    def __init__(self) -> None:
        self.wants = _Wants.VALUE
        self.open: list[str] = []  # the close that each open bracket waits for
        self.field = ""  # of the top level, as an error shows it
        self.is_id = False  # this field is the id
        self.id_digits = "0"
        self.id_span: tuple[int, int] | None = None
        self.problem: str | None = None

    def take(self, token: re.Match[str]) -> bool:
        if self.wants in _NAMES and token["string"]:
            self._name(token["string"])
            self.wants = _Wants.COLON
            return True
        if token["mark"]:
            return self._mark(token["mark"])
        if self.wants in _VALUES:
            self._scalar(token)
            self._after_value()
            return True
        return False

    def _mark(self, mark: str) -> bool:
        if mark in _CLOSE_OF and self.wants in _VALUES:
            self._open(mark)
        elif self.wants in _CLOSES and self.open and self.open[-1] == mark:
            self.open.pop()
            self._after_value()
        elif mark == ":" and self.wants is _Wants.COLON:
            self.wants = _Wants.VALUE
        elif mark == "," and self.wants is _Wants.COMMA_OR_CLOSE:
            self.wants = _Wants.NAME if self.open[-1] == "}" else _Wants.VALUE
        else:
            return False
        return True

    def _open(self, mark: str) -> None:
        self._forget_id()
        self.open.append(_CLOSE_OF[mark])
        self.wants = _Wants.NAME_OR_CLOSE if mark == "{" else _Wants.VALUE_OR_CLOSE
        if len(self.open) > MAX_DEPTH:
            self._report(f"nested deeper than {MAX_DEPTH} levels")

    def _after_value(self) -> None:
        self.wants = _Wants.COMMA_OR_CLOSE if self.open else _Wants.NOTHING

    def _name(self, string: str) -> None:
        if self.open == ["}"]:
            self.field = string[1:-1][:FIELD_SHOWN]
            self.is_id = _decoded(string) == "id"
        self._check_string(string)

    def _scalar(self, token: re.Match[str]) -> None:
        digits = token["number"] if not token["fraction"] else None
        if self._forget_id():
            if digits:
                self.id_digits, self.id_span = digits, token.span("number")
        elif token["string"]:
            self._check_string(token["string"])
        elif digits:
            self._check_integer(digits)
        elif token["number"] and float(token["number"]) in (float("inf"), float("-inf")):
            self._report("a number beyond what a double can hold")

    def _forget_id(self) -> bool:
        """Whether the value that begins is the id. Of several the last one counts, as in every decoder, so an earlier one is forgotten."""
        if not self.is_id or self.open != ["}"]:
            return False
        self._check_integer(self.id_digits)  # a forgotten one is a number like any other
        self.id_digits, self.id_span = "0", None
        return True

    def _check_string(self, string: str) -> None:
        if "\\u" not in string:
            return
        value = _decoded(string)
        if value is None:
            self._report("half of a surrogate pair is no character")
        elif "\x00" in value:
            self._report("the character NUL cannot be stored")

    def _check_integer(self, digits: str) -> None:
        if not fits(digits):
            self._report("an integer beyond 64 bits")

    def _report(self, what: str) -> None:
        self.problem = self.problem or f"{self.field}: {what}"


def _decoded(string: str) -> str | None:
    """Return the value of a JSON string; None where it is no text because of a lone surrogate."""
    try:
        return msgspec.json.decode(string, type=str)
    except msgspec.DecodeError:
        return None
