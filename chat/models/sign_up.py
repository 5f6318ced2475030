"""Sign-up: its mode, which the admin changes at any time, and accounts that wait for approval."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class SignUpSettings(models.Model):
    """One row. Pages read it for each request, so a change is in effect on all nodes at once."""

    class Mode(models.TextChoices):
        OPEN = "open", _("Open to everyone")
        INVITATION = "invitation", _("Only with an invite link")
        APPROVAL = "approval", _("After approval by a moderator")
        CLOSED = "closed", _("Closed")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # Empty until the admin sets it: open or closed, as HOLDFAST_SIGNUP says.
    mode = models.CharField(_("sign-up"), max_length=10, choices=Mode, blank=True, default="")
    per_hour = models.PositiveIntegerField(_("accounts per address and hour"), default=10)

    class Meta:
        default_permissions = ()  # who may ban from the site may change it
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-up")

    def __str__(self) -> str:
        return gettext("sign-up")


class SignUpRequest(models.Model):
    """An account that waits for a moderator, or for which one has decided."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="+"
    )
    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    is_accepted = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("sign-up request")
        verbose_name_plural = _("sign-up requests")
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(decided_at=None), name="sign_up_request_open"
            )
        ]

    def __str__(self) -> str:
        return gettext("sign-up request %(number)s") % {"number": self.pk}
