"""Checks of the user model, which is the project's own: what would fail late, or silently."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from realtime.core.streams import MAX_IDENT_LENGTH
from realtime.core.users import User, has_field, key_field

FIELDS: Final = ("is_active", "password")
TEXTS: Final = ("CharField", "SlugField", "UUIDField")
HINT: Final = "Use an integer, a UUID, or letters, digits, hyphens and underscores."


def user_model(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a user model that sockets could not be closed for, or whose key names no stream."""
    label = User._meta.label
    missing = [name for name in FIELDS if not has_field(name)]
    if missing:
        yield Error(
            f"{label} has no field {' and no field '.join(missing)}: "
            "nobody could be signed out by deactivating an account or changing a password.",
            hint="Derive it from AbstractBaseUser and add is_active as a BooleanField.",
            id="holdfast.E030",
        )
    key = key_field()
    kind = key.get_internal_type()
    if key.max_length is not None and key.max_length > MAX_IDENT_LENGTH:
        yield Error(
            f"The primary key of {label} may have {key.max_length} characters; "
            f"the name of a stream takes at most {MAX_IDENT_LENGTH}.",
            hint=HINT,
            id="holdfast.E031",
        )
    elif not (kind in TEXTS or "Integer" in kind or "AutoField" in kind):
        yield Error(
            f"The primary key of {label} is a {kind}, which cannot be in a stream's name.",
            hint=HINT,
            id="holdfast.E031",
        )
