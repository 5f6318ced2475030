"""The accounts that typed names mean: one rule for commands, forms and lists.

Without an app that has a rule, the spelling decides.
"""

from collections.abc import Callable, Collection, Mapping

from realtime.core.users import User

# Names as they were typed, each with the account that it means, active or not.
Finder = Callable[[Collection[str]], Mapping[str, User]]

NAMES_PER_QUERY = 500  # in one IN (…)


def _spelled(names: Collection[str]) -> Mapping[str, User]:
    wanted = list(names)
    found: dict[str, User] = {}
    for start in range(0, len(wanted), NAMES_PER_QUERY):
        some = {f"{User.USERNAME_FIELD}__in": wanted[start : start + NAMES_PER_QUERY]}
        found |= {user.get_username(): user for user in User.objects.filter(**some)}
    return found


_finder: Finder = _spelled


def register_usernames(finder: Finder) -> None:
    """Set the rule by which names are found; called from ``AppConfig.ready``."""
    global _finder
    _finder = finder


def accounts_named(names: Collection[str]) -> Mapping[str, User]:
    """Return the accounts that these names mean, by the names as they were typed."""
    return _finder(names) if names else {}
