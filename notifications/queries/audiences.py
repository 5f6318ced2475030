"""The addressees of a broadcast: people and places by name, and the names that are wrong."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from notifications.targets import Place, close_matches, excluded, target
from realtime.auth import accounts_named
from realtime.core.users import User, has_field
from realtime.protocol.user_ids import UserId

IDS_PER_QUERY = 500  # in one IN (…)
# Usernames among which a mistyped one is looked for; comparing 2000 takes some 50 ms.
MAX_CANDIDATES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The addressees of a broadcast, by the names that an operator typed."""

    everybody: bool = False
    staff: bool = False
    groups: Sequence[str] = ()
    users: Sequence[str] = ()
    # Kind of target → names: {"room": ["general"]}.
    places: dict[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, named: Mapping[str, Any]) -> "Audience":
        """Return the audience that ``as_json`` recorded."""
        return cls(
            everybody=named.get("all", False),
            staff=named.get("staff", False),
            groups=named.get("groups", ()),
            users=named.get("users", ()),
            places={
                kind: names
                for kind, names in named.items()
                if kind not in ("all", "staff", "groups", "users")
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return what was named, for the record."""
        named: dict[str, Any] = {
            "all": self.everybody,
            "staff": self.staff,
            "groups": list(self.groups),
            "users": list(self.users),
        }
        named |= {kind: list(names) for kind, names in self.places.items()}
        return {name: value for name, value in named.items() if value}


@dataclass(slots=True)
class Reach:
    """The people and places of an audience, and the names that are wrong."""

    everybody: int = 0  # people, when it is announced
    user_ids: list[UserId] = field(default_factory=list)  # each once, in order
    places: list[tuple[str, Place]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def people(self) -> int:
        """How many will get it; who is in two rooms counts twice."""
        return self.everybody + len(self.user_ids) + sum(place.people for _, place in self.places)


def reach(audience: Audience) -> Reach:
    """Find all people and places that ``audience`` names, without deactivated and banned users."""
    found = Reach()
    user_ids: set[UserId] = set()
    active = reachable()
    if audience.everybody:
        found.everybody = active.count()
    if audience.staff and has_field("is_staff"):
        user_ids.update(active.filter(is_staff=True).values_list("pk", flat=True))
    user_ids.update(_members(audience.groups, found.problems))
    user_ids.update(_named(audience.users, found.problems))
    found.user_ids = sorted(user_ids)
    for kind, names in audience.places.items():
        found.places += [(kind, place) for place in _places(kind, names, found.problems)]
    if audience.everybody and (audience.staff or audience.groups or audience.users):
        found.problems.append(
            "The broadcast already goes to everyone: leave out staff, groups and users, "
            "or they would get it twice."
        )
    elif not (found.problems or audience.everybody or found.user_ids or found.places):
        found.problems.append(
            "This would reach nobody." if audience.as_json() else "Nobody is addressed."
        )
    return found


def reachable() -> QuerySet[User]:
    """Return the users that a broadcast can reach: active ones that no other app shuts out."""
    active = User.objects.filter(is_active=True)
    for query in excluded():
        active = active.exclude(pk__in=query)
    return active


def _members(names: Sequence[str], problems: list[str]) -> Iterable[UserId]:
    found = {name: _group(name) for name in names}
    groups = Group.objects.values_list("name", flat=True)[:MAX_CANDIDATES]
    problems += [
        wrong_name("group", name, close_matches(name, groups))
        for name, group_id in found.items()
        if group_id is None
    ]
    known = [group_id for group_id in found.values() if group_id is not None]
    if not known or not has_field("groups"):
        return ()
    return reachable().filter(groups__in=known).values_list("pk", flat=True).distinct()


def _group(name: str) -> int | None:
    """Return the group of this name; where two differ in case only, the spelling decides."""
    rows = dict(Group.objects.filter(name__iexact=name).values_list("name", "pk"))
    return rows.get(name) if len(rows) > 1 else next(iter(rows.values()), None)


def _named(names: Sequence[str], problems: list[str]) -> Iterable[UserId]:
    found = accounts_named(names)
    active = {user.pk for user in found.values() if user.is_active}
    able = _reachable_of(active)
    problems += [
        wrong_name("user", name, close_matches(name, _similar_usernames(name)))
        for name in dict.fromkeys(names)
        if name not in found
    ]
    problems += [
        f'The account of "{name}" is deactivated.'
        for name, user in found.items()
        if user.pk not in active
    ]
    problems += [
        f'"{name}" is banned from this site.'
        for name, user in found.items()
        if user.pk in active - able
    ]
    return able


def _reachable_of(user_ids: Collection[UserId]) -> set[UserId]:
    ids = sorted(user_ids)
    able: set[UserId] = set()
    for start in range(0, len(ids), IDS_PER_QUERY):
        some = ids[start : start + IDS_PER_QUERY]
        able.update(reachable().filter(pk__in=some).values_list("pk", flat=True))
    return able


def _similar_usernames(name: str) -> QuerySet[User, str]:
    """Return usernames that share the beginning or the end of ``name``."""
    login = User.USERNAME_FIELD
    begins, ends = f"{login}__istartswith", f"{login}__iendswith"
    alike = Q((begins, name[:2])) | Q((ends, name[-2:])) if name else Q()
    users = User.objects.filter(alike, is_active=True)
    return users.values_list(login, flat=True)[:MAX_CANDIDATES]


def _places(kind: str, names: Sequence[str], problems: list[str]) -> Sequence[Place]:
    if not names:
        return ()
    found = target(kind)
    if found is None:
        problems.append(f"{kind.capitalize()}s are not installed here.")
        return ()
    resolved = found.resolve(list(dict.fromkeys(names)))
    problems += [wrong_name(kind, name, matches) for name, matches in resolved.missing.items()]
    return resolved.places


def wrong_name(kind: str, name: str, matches: Sequence[str]) -> str:
    """Say that there is no such thing, and what may have been meant."""
    guess = f" Did you mean {' or '.join(matches)}?" if matches else ""
    return f'There is no {kind} "{name}".{guess}'
