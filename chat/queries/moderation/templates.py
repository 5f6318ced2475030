"""Templates of reasons."""

from django.utils.translation import get_language

from chat.models import ReasonTemplate
from realtime.site.languages import remembered

MAX_TEMPLATES = 100  # of one language


def reasons_for(user_id: int) -> list[ReasonTemplate]:
    """Return the templates in the language of the person who reads the reason.

    That is the language that the user chose, or else that of the moderator.
    """
    language = remembered(user_id) or get_language()
    return list(ReasonTemplate.objects.filter(language=language).order_by("name")[:MAX_TEMPLATES])
