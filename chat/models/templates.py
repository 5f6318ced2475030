"""Templates of reasons, which moderators write once and choose from."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.moderation import REASON_MAX_LENGTH

TEMPLATE_NAME_MAX_LENGTH = 60


class ReasonTemplate(models.Model):
    """A reason that moderators give often, in one language."""

    language = models.CharField(_("language"), max_length=12)
    name = models.CharField(_("name"), max_length=TEMPLATE_NAME_MAX_LENGTH)
    text = models.CharField(_("text"), max_length=REASON_MAX_LENGTH)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("template of a reason")
        verbose_name_plural = _("templates of reasons")
        constraints = [
            models.UniqueConstraint(
                fields=["language", "name"], name="reason_template_language_name"
            )
        ]

    def __str__(self) -> str:
        return self.name
