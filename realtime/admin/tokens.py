"""Access tokens in the Django admin: issue, list, revoke.

A token is shown once, on the page that answers its form.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from realtime.auth import new_token, token_row
from realtime.auth.confirmation import confirmed
from realtime.auth.revocation import revoke_token
from realtime.core.generics import ModelAdmin
from realtime.core.users import User, has_field
from realtime.models import AccessToken

_TOKEN = "_token"  # on an instance that was issued in this request


@admin.register(AccessToken)
class AccessTokenAdmin(ModelAdmin[AccessToken]):
    """Tokens are issued and revoked, never edited."""

    list_display = ("id", "user", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    list_per_page = 50
    search_fields = (f"user__{User.USERNAME_FIELD}",)
    fields = ("user", "expires_at")
    raw_id_fields = ("user",)
    actions = ("revoke",)

    @method_decorator(confirmed)
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the password: a token acts for a user for a year."""
        return super().add_view(request, *args, **kwargs)

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Offer names as they are typed, where the project has an admin of its users."""
        return ("user",) if self.admin_site.is_registered(User) else ()

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        """Return False: a token can only be revoked."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        """Return False, because Django's own deletion would leave the sockets open.

        It also runs in a transaction, in which no stream can be changed.
        """
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may delete tokens."""
        return request.user.has_perm("realtime.delete_accesstoken")

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any]":
        """Offer active users.

        Only a superuser can issue a token of a superuser; otherwise staff could become one.
        """
        users = User.objects.filter(is_active=True)
        if has_field("is_superuser") and not getattr(request.user, "is_superuser", False):
            users = users.filter(is_superuser=False)
        kwargs["queryset"] = users
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        assert isinstance(field, forms.ModelChoiceField)
        return field

    def save_model(self, request: HttpRequest, obj: AccessToken, form: Any, change: bool) -> None:
        """Issue the token."""
        token = new_token()
        made = token_row(obj.user, token, obj.expires_at)
        obj.digest, obj.auth_hash = made.digest, made.auth_hash
        obj.save(force_insert=True)
        setattr(obj, _TOKEN, token)

    def response_add(
        self, request: HttpRequest, obj: AccessToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token.

        Not by a redirect with a message, which would be stored in the session until it is read.
        """
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Token issued"),
            "issued": obj,
            "token": getattr(obj, _TOKEN),
        }
        return TemplateResponse(request, "admin/realtime/accesstoken/issued.html", context)

    @admin.action(
        description=_("Revoke selected tokens and close their connections"), permissions=["revoke"]
    )
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        """Revoke each token in a transaction of its own."""
        tokens = list(queryset)
        for token in tokens:
            self.log_deletions(request, [token])  # type: ignore[arg-type]
            revoke_token(token)
        self.message_user(
            request,
            ngettext("%(count)d token revoked.", "%(count)d tokens revoked.", len(tokens))
            % {"count": len(tokens)},
        )
