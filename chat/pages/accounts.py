"""Sign-up, sign-in, the account page and the password: Django's forms and views, with our pages."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.forms.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import Resolver404, resolve, reverse_lazy
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from chat import payloads, policies, services
from chat.errors import BlockedWord
from chat.pages.login_forms import LoginForm
from chat.pages.name_fields import NameRules
from chat.pages.rendering import render
from chat.queries import filter_cache, invite_links
from chat.queries.blocks import blocks as blocks_of
from chat.queries.receipts import gives_receipts
from chat.queries.sign_up import Mode, is_offered, needs_approval, sign_up_settings
from chat.services.messages.site_limits import count_sign_up
from chat.services.moderation import raids
from chat.services.people.sign_up import create_account, discard_account
from realtime.auth import attempts, known_devices, proof_of_work, session_ends
from realtime.auth.passwords import rules
from realtime.core.generics import UserCreationForm
from realtime.core.users import User
from realtime.protocol.errors import BadRequest, HoldfastError, NotFound, Unavailable
from realtime.site import languages


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


class SignUpForm(NameRules, UserCreationForm[User]):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "first_name", "last_name")
        labels = {"first_name": _("First name"), "last_name": _("Last name")}

    def __init__(self, *args: Any, needs_approval: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs_approval = needs_approval
        self.fields.pop("usable_password", None)
        self.fields["username"].help_text = _(
            "Others mention you with @username. Use only letters, digits and . + - _"
        )
        self.fields["username"].widget.attrs.update(
            {"autocapitalize": "none", "spellcheck": "false"}
        )
        self.fields["password1"].help_text = rules.help_text()
        self.fields["password2"].help_text = ""
        _style(self)

    def clean(self) -> dict[str, Any]:
        """Others read these names, so the filters look at them."""
        data: dict[str, Any] = super().clean() or {}
        for field in ("username", "first_name", "last_name"):
            try:
                filter_cache.check_name(data.get(field, ""), field=field)
            except BlockedWord:
                self.add_error(
                    field, gettext("This contains a word that is not allowed here. Choose another.")
                )
        return data

    def save(self, commit: bool = True) -> User:
        data = self.cleaned_data
        return create_account(
            username=data["username"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            password_hash=make_password(data["password1"]),
            needs_approval=self.needs_approval,
        )


class ChangePasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = rules.help_text()
        self.fields["new_password2"].help_text = ""
        _style(self)

    @sensitive_variables()
    def clean_old_password(self) -> str:
        """Count the attempt: a stranger at an open browser must not guess it."""
        attempt = attempts.begin("password", self.request, account=str(self.user.pk))
        try:
            password = super().clean_old_password()
        except Unavailable:
            attempt.cancelled()
            raise
        except ValidationError:
            attempt.failed()
            raise
        attempt.succeeded(user_id=self.user.pk)
        return password


class Login(auth_views.LoginView):
    """Shows a new device the language that the user has chosen on another one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(signup_open=is_offered(), **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        known_devices.remember(self.request, response, form.get_user())
        if language := languages.remembered(form.get_user().pk):
            languages.keep(response, language)
        return response


login = Login.as_view(
    template_name="registration/login.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
)

logout = auth_views.LogoutView.as_view()


class PasswordChange(auth_views.PasswordChangeView):
    """Changes the password.

    This ends all other sessions, their sockets and all tokens (realtime.auth.revocation).
    """

    template_name = "registration/password_change.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("account")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, gettext("Your password has been changed."))
        response = super().form_valid(form)
        session_ends.confirm(self.request)
        known_devices.remember(self.request, response, form.user)
        return response


password_change = PasswordChange.as_view()


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Create an account, and sign in with it or wait for approval: see ``SignUpSettings``."""
    current = sign_up_settings()
    token = _invitation(request) if current.mode == Mode.INVITATION else ""
    if current.mode == Mode.CLOSED or (current.mode == Mode.INVITATION and not token):
        closed = {"by_invitation": current.mode == Mode.INVITATION}
        return render(request, "registration/signup_closed.html", closed, status=403)
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = SignUpForm(request.POST or None, needs_approval=needs_approval(current.mode))
    user = _made(request, form, current.per_hour) if request.method == "POST" else None
    if user is not None:
        if raids.has_new_signs():
            raids.tell_moderators()
        if not user.is_active:
            return render(request, "registration/signup_waiting.html", {"username": user.username})
        return _signed_up(request, user, token)
    values: dict[str, Any] = {"form": form, "work": proof_of_work.challenge()}
    return render(request, "registration/signup.html", values, status=400 if form.errors else 200)


def _made(request: HttpRequest, form: SignUpForm, per_hour: int) -> User | None:
    if not form.is_valid():
        return None
    if not _work_is_done(request):
        attempts.record("sign_up", "no_work", address=attempts.client_address(request))
        form.add_error(
            None,
            gettext("Your browser has not finished its check, or it took too long. Try again."),
        )
        return None
    try:
        with attempts.quota("sign_up", request, most=per_hour):
            # More than usual on the whole site: a moderator looks at each of them.
            form.needs_approval |= count_sign_up()
            return form.save()
    except BadRequest as error:  # another visitor took the name at the same moment
        form.add_error(None, error.message)
        return None


def _work_is_done(request: HttpRequest) -> bool:
    return proof_of_work.is_done(
        request.POST.get("work_token", ""), request.POST.get("work_answer", "")
    )


def _signed_up(request: HttpRequest, user: User, token: str) -> HttpResponse:
    """Sign in, and use the invitation: each use of a link makes one account."""
    if token:
        try:
            services.join_by_link(actor_id=user.pk, token=token)
        except HoldfastError:  # others used it up meanwhile
            discard_account(user)
            return render(request, "registration/signup_closed.html", status=403)
    start_session(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect(_next(request))


def _invitation(request: HttpRequest) -> str:
    """Return the token of the usable invite link from which the visitor came, or nothing."""
    try:
        match = resolve(_next(request))
        token = str(match.kwargs["token"]) if match.view_name == "invite" else ""
        link = invite_links.by_token(token)
    except (Resolver404, NotFound, KeyError):
        return ""
    return "" if invite_links.problem(link, link.room, now=timezone.now()) else token


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
        "blocks": blocks,
        "blank": blank,
        "gives_receipts": gives_receipts(request.user.pk),
    }
    return render(request, "chat/account/account.html", values)


@login_required
@require_POST
def choose_receipts(request: HttpRequest) -> HttpResponse:
    """Let others see how far the user has read, or not."""
    assert isinstance(request.user, User)
    services.set_receipts(user_id=request.user.pk, on="on" in request.POST)
    messages.success(request, gettext("Your choice has been saved."))
    return redirect("account")


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
