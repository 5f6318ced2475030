"""Several names in one phrase, such as the title of a group conversation."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from realtime.site.visible_text import isolated

MAX_NAMED: Final = 3  # in full; more names become a number (as in people_names.js)


def enumerated(names: Sequence[str]) -> str:
    """Return "Ada", "Ada and Ben", "Ada, Ben and Cleo" or "Ada, Ben and 2 others"."""
    if len(names) == 1:
        return names[0]
    values = dict(zip(("first", "second", "third"), map(isolated, names), strict=False))
    if len(names) == 2:
        return _("%(first)s and %(second)s") % values
    if len(names) == MAX_NAMED:
        return _("%(first)s, %(second)s and %(third)s") % values
    others = len(names) - 2
    phrase = ngettext(
        "%(first)s, %(second)s and %(count)s other",
        "%(first)s, %(second)s and %(count)s others",
        others,
    )
    return phrase % (values | {"count": others})
