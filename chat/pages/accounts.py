"""Sign-up, sign-in, the account page and the password: Django's forms and views, with our pages."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm
from django.contrib.auth.models import User
from django.forms.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from chat import payloads, policies, services
from chat.pages.login_forms import LoginForm
from chat.queries.blocks import blocks as blocks_of
from realtime.protocol.errors import NotFound
from realtime.site import languages

# Replaces Django's list of four rules. A form with an error names the rule that was broken.
_PASSWORD_HELP = _("At least 8 characters. Don't use only digits, your name or a common password.")


def _style(form: BaseForm) -> None:
    """Give the fields the classes of css/base/field.css, and mark the invalid ones."""
    for name, field in form.fields.items():
        field.widget.attrs["class"] = "input"
        if name in form.errors:
            field.widget.attrs["aria-invalid"] = "true"


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _style(self)


class SignUpForm(UserCreationForm[User]):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "first_name", "last_name")
        labels = {"first_name": _("First name"), "last_name": _("Last name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        self.fields["username"].help_text = _(
            "Others mention you with @username. Use only letters, digits and . + - _"
        )
        self.fields["username"].widget.attrs.update(
            {"autocapitalize": "none", "spellcheck": "false"}
        )
        self.fields["password1"].help_text = _PASSWORD_HELP
        self.fields["password2"].help_text = ""
        _style(self)


class ChangePasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = _PASSWORD_HELP
        self.fields["new_password2"].help_text = ""
        _style(self)


class Login(auth_views.LoginView):
    """Shows a new device the language that the user has chosen on another one."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        if language := languages.remembered(form.get_user().pk):
            languages.keep(response, language)
        return response


login = Login.as_view(
    template_name="registration/login.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
    extra_context={"signup_open": settings.HOLDFAST_SIGNUP},
)

logout = auth_views.LogoutView.as_view()


class PasswordChange(auth_views.PasswordChangeView):
    """Changes the password.

    This ends all other sessions, their sockets and all tokens (realtime.auth.revocation).
    """

    template_name = "registration/password_change.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("account")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, gettext("Your password has been changed."))
        return super().form_valid(form)


password_change = PasswordChange.as_view()


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Create an account and sign in with it, if ``HOLDFAST_SIGNUP`` is on."""
    if not settings.HOLDFAST_SIGNUP:
        return render(request, "registration/signup_closed.html", status=403)
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        start_session(request, form.save(), backend=settings.AUTHENTICATION_BACKENDS[0])
        return redirect(_next(request))
    return render(
        request, "registration/signup.html", {"form": form}, status=400 if form.errors else 200
    )


def _next(request: HttpRequest) -> str:
    """Return the target of the redirect. Addresses of other sites are ignored."""
    wanted = request.GET.get("next", "")
    is_local = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_local else resolve_url(settings.LOGIN_REDIRECT_URL)


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    blocks = [payloads.block(row) for row in blocks_of(request.user.pk)]
    blank = {"user": {"id": 0, "username": "", "name": ""}}
    values = {
        "me": payloads.person(request.user),
        "languages": settings.LANGUAGES,
        "blocks": blocks,
        "blank": blank,
    }
    return render(request, "chat/account/account.html", values)


@login_required
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Change the language on this device, and on those that the user signs in on later."""
    response = redirect("account")
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        assert isinstance(request.user, User)
        languages.remember(request.user.pk, language)
        languages.keep(response, language)
    return response


@never_cache
@login_required
@require_POST
def lift_block(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    raw = request.POST.get("user", "")
    user_id = (
        int(raw)
        if raw.isascii() and raw.isdecimal() and len(raw) < len(str(policies.MAX_ID))
        else 0
    )
    try:
        row = services.unblock(actor_id=request.user.pk, user_id=user_id)
        name = payloads.person(row.blocked)["name"]
        messages.success(request, gettext("%(name)s has been unblocked.") % {"name": name})
    except NotFound as error:
        messages.error(request, error.message)
    return redirect("account")
