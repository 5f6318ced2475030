"""The slow path of decoding: finds the id and the first problem of a suspicious JSON text.

The fast decoder stops at the first value that it cannot represent. A client that sent an object
with an integer id is owed a reply with that id, so this module reads the text with the standard
library, which accepts more, and then walks over the values once.
"""

import json
import math
import re
from typing import Any, NamedTuple

MAX_DEPTH = 64  # levels of arrays and objects; no command needs more than three
INT_MIN, INT_MAX = -(2**63), 2**63 - 1  # what the database holds
SAFE_DIGITS = 18  # every integer with this many digits fits into 64 bits
FIELD_SHOWN = 64  # characters of a field's name in an error

_structure = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|NaN|Infinity', re.DOTALL)
_half_pair = re.compile("[\ud800-\udfff]").search
_TOO_DEEP = "NaN"  # marks a value that is nested too deep; a text with a NaN of its own is not JSON


class NotJson(Exception):
    """The text is not JSON (RFC 8259), or no object with an integer ``id``."""


class Parsed(NamedTuple):
    """An object with an integer id."""

    id: str  # digits
    fields: dict[str, Any]  # without those after the first problem
    problem: str | None  # "field: what is wrong with it"; None: nothing is


class _Problem(Exception):
    """A value that is JSON but cannot be stored or represented."""


class _Digits(str):
    """An integer as it was written: Python refuses to convert more than 4,300 digits."""


class _Decimal(str):
    """A number with a fraction or an exponent, as it was written."""


class _Pairs(list[tuple[str, Any]]):
    """An object with all its fields, repeated ones included."""


class _TooDeep:
    """A value that is nested deeper than ``MAX_DEPTH``."""


_decode = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_int=_Digits,
    parse_float=_Decimal,
    parse_constant=lambda _: _TooDeep(),
).decode


def parse(text: str) -> Parsed:
    """Parse a command. Raises ``NotJson``; takes time linear in the length of the text."""
    try:
        found = _decode(_without_depths(text))
    except ValueError as error:
        raise NotJson(f"expected JSON: {error}") from error
    ids = [at for at, (name, _) in enumerate(found) if name == "id"] if _is_object(found) else []
    # Of several ids the last one counts, as in every decoder.
    if not ids or not isinstance(found[ids[-1]][1], _Digits):
        raise NotJson("expected a JSON object with an integer id")
    fields: dict[str, Any] = {}
    for at, (name, value) in enumerate(found):
        try:
            fields[_text(name)] = str(value) if at == ids[-1] else _value(value)
        except _Problem as problem:
            return Parsed(found[ids[-1]][1], fields, f"{_shown(name)}: {problem}")
    return Parsed(found[ids[-1]][1], fields, None)


def fits(digits: str) -> bool:
    """Whether an integer fits into 64 bits with a sign."""
    return len(digits) <= SAFE_DIGITS + 2 and INT_MIN <= int(digits) <= INT_MAX


def _without_depths(text: str) -> str:
    """Replace what is nested too deep, because the standard library's parser is recursive."""
    kept, depth, end = [], 0, 0
    for token in _structure.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth == MAX_DEPTH + 1:
                    kept.append(text[end : token.start()])
            case "]" | "}":
                depth -= 1
                if depth == MAX_DEPTH:
                    kept.append(_TOO_DEEP)
                    end = token.end()
            case "NaN" | "Infinity":
                raise NotJson(f"expected JSON: {token[0]} is not a JSON number")
    return "".join([*kept, text[end:]]) if depth <= MAX_DEPTH else ""


def _is_object(found: Any) -> bool:
    return isinstance(found, _Pairs)


def _value(value: Any) -> Any:
    match value:
        case _Pairs():
            return {_text(name): _value(inner) for name, inner in value}
        case list():
            return [_value(inner) for inner in value]
        case _Digits():
            if not fits(value):
                raise _Problem("an integer beyond 64 bits")
            return int(value)
        case _Decimal():
            if not math.isfinite(float(value)):
                raise _Problem("a number beyond what a double can hold")
            return float(value)
        case _TooDeep():
            raise _Problem(f"nested deeper than {MAX_DEPTH} levels")
        case str():
            return _text(value)
    return value


def _text(value: str) -> str:
    if "\x00" in value:
        raise _Problem("the character NUL cannot be stored")
    if _half_pair(value):
        raise _Problem("half of a surrogate pair is not a character")
    return value


def _shown(name: str) -> str:
    """Return the name of a field as it can be shown, escaped and shortened."""
    escaped = json.dumps(name, ensure_ascii=False)[1:-1]
    return escaped[:FIELD_SHOWN].encode(errors="backslashreplace").decode()
