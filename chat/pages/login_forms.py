"""The forms of signing in, and what they tell somebody whose account is deactivated."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from chat.models import ModerationLog


class TellingForm(AuthenticationForm):
    """Tells the owner of a deactivated account that it is, and why; they are known by the right password.

    Whoever does not know it gets the same answer as for a name that nobody has, after as much work: one password is hashed.
    """

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Let nobody into a deactivated account. Django's backend would not say why."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        user = (
            User.objects.filter(username=name, is_active=False).first()
            if name and password
            else None
        )
        if user is None:
            return super().clean()
        told = _deactivated(user) if user.check_password(password or "") else None
        user_login_failed.send(
            sender=__name__,
            credentials={"username": name, "password": "*" * 20},
            request=self.request,
        )
        raise ValidationError(told, code="inactive") if told else self.get_invalid_login_error()


class DeskForm(TellingForm, AdminAuthenticationForm):
    """The same at the desk."""


def _deactivated(user: User) -> str:
    acts = (ModerationLog.Action.DEACTIVATE, ModerationLog.Action.ACTIVATE)
    last = ModerationLog.objects.filter(subject=user, action__in=acts).order_by("-pk").first()
    what = _("This account is deactivated.")
    if last is not None and last.action == ModerationLog.Action.DEACTIVATE:
        what = _("A moderator has deactivated this account: %(reason)s") % {
            "reason": _sentence(last.reason)
        }
    whom = _("If you think it is a mistake, write to the people who run this site.")
    return f"{what} {whom}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
