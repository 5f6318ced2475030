"""The sign-in forms, which tell the owner of a deactivated account why they can't sign in."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from chat.models import ModerationLog
from chat.queries.names import user_named
from chat.queries.sign_up import request_of
from chat.text.mentions import same
from realtime.auth import attempts
from realtime.core.users import User
from realtime.protocol.errors import Unavailable


class LoginForm(AuthenticationForm):
    """Explains a deactivated account to its owner, who is recognised by the right password.

    With a wrong password the response is the same as for an unknown name, and takes as long: one
    password is hashed in both cases.
    """

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Count the attempt, then check it. Raises ``TooManyAttempts`` (realtime.auth.refusals)."""
        name = self.cleaned_data.get("username")
        if not name or self.request is None:
            return self._check()
        attempt = attempts.begin("sign_in", self.request, account=same(name))
        try:
            data = self._check()
        except Unavailable:
            attempt.cancelled()
            raise
        except ValidationError:
            attempt.failed()
            raise
        attempt.succeeded(user_id=self.get_user().pk)
        return data

    @sensitive_variables()
    def _check(self) -> dict[str, Any]:
        """Refuse a deactivated account. Django's backend would not give the reason."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        user = user_named(name) if name and password else None
        if user is not None:
            self.cleaned_data["username"] = user.username
        if user is None or user.is_active:
            return super().clean()
        explanation = _explanation(user) if user.check_password(password or "") else None
        user_login_failed.send(
            sender=__name__,
            credentials={"username": name, "password": "*" * 20},
            request=self.request,
        )
        if explanation is None:
            raise self.get_invalid_login_error()
        raise ValidationError(explanation, code="inactive")


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The sign-in form of the admin."""


def _explanation(user: User) -> str:
    actions = (ModerationLog.Action.DEACTIVATE, ModerationLog.Action.ACTIVATE)
    waiting = request_of(user.pk)
    if waiting is not None and waiting.decided_at is None:
        return _("A moderator has not approved this account yet. Try again later.")
    if waiting is not None and not waiting.is_accepted:
        return _declined(user)
    last = ModerationLog.objects.filter(subject=user, action__in=actions).order_by("-pk").first()
    if last is None or last.action != ModerationLog.Action.DEACTIVATE:
        return _(
            "This account has been deactivated. "
            "If you think this is a mistake, contact the site's administrators."
        )
    return _(
        "A moderator deactivated this account. Reason: %(reason)s "
        "If you think this is a mistake, contact the site's administrators."
    ) % {"reason": _sentence(last.reason)}


def _declined(user: User) -> str:
    decline = ModerationLog.Action.DECLINE
    last = ModerationLog.objects.filter(subject=user, action=decline).order_by("-pk").first()
    return _("A moderator declined this account. Reason: %(reason)s") % {
        "reason": _sentence(last.reason if last else "")
    }


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
