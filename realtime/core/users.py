"""The user model of the project, whatever its name, its key and its fields are.

Everything that needs a user takes ``User`` from here. ``django.contrib.auth.models.User`` is
swapped out in many projects (``AUTH_USER_MODEL``), and its managers and signals are silent there.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Exists, OuterRef, Value
from django.db.models.expressions import Combinable
from django.utils.translation import gettext

from realtime.protocol.user_ids import UserId

if TYPE_CHECKING:
    from django.contrib.auth.models import User as User
else:
    User = get_user_model()

SHORT_ID: Final = 8  # characters of a key in the name of a user without any name


def is_user(value: object) -> TypeGuard[User]:
    """Tell whether ``value`` is a user with an account, but not an anonymous one."""
    return isinstance(value, User)


def user_id_of(text: object) -> UserId:
    """Return the key that ``wire_id`` or ``str`` made a text of.

    Raises ``ValueError`` for a text that is no key of the user model.
    """
    try:
        return key_field().to_python(text)
    except ValidationError as error:
        raise ValueError(f"{text!r} is no key of a user") from error


def key_converter() -> str:
    """Return the kind of text that a user's key is in a stream's name: see ``streams.CONVERTERS``.

    Strings are matched as slugs.
    """
    kind = key_field().get_internal_type()
    if kind == "UUIDField":
        return "uuid"
    return "int" if "Integer" in kind or "AutoField" in kind else "slug"


def has_field(name: str) -> bool:
    """Tell whether the user model has a field. ``AbstractBaseUser`` has hardly any."""
    try:
        User._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def moderators(user_id: str, group: str) -> Combinable:
    """Return the condition that the user in the column ``user_id`` is in a group."""
    if not has_field("groups"):
        return Value(False)
    path = User._meta.get_field("groups").related_query_name()
    return Exists(Group.objects.filter(**{"name": group, path: OuterRef(user_id)}))


def handle(user: User) -> str:
    """Return the username that others may see. An e-mail address is none."""
    if User.get_email_field_name() == User.USERNAME_FIELD:
        return ""
    return user.get_username()


def full_name(user: User) -> str:
    """Return the full name, as far as the model has one. ``AbstractBaseUser`` has none."""
    if not hasattr(user, "get_full_name"):
        return ""
    return user.get_full_name() or ""


def any_name(user: User) -> str:
    """Return a name for a user who has no full name: the username, else a part of the key."""
    return handle(user) or gettext("User %(id)s") % {"id": str(user.pk)[:SHORT_ID]}


def joined_at(user: User) -> datetime:
    """Return when the account was made, or the beginning of time where the model cannot tell."""
    return getattr(user, "date_joined", None) or datetime.min.replace(tzinfo=UTC)


def key_field() -> Any:
    """Return the field of the key; of a model that inherits from another, the parent's."""
    field: Any = User._meta.pk
    while field.remote_field is not None:
        field = field.target_field
    return field
