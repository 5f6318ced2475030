"""Moderation in the Django admin. Every change is an action with a reason, made by a service."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from chat.admin import (
    bulk,
    filters,
    log,
    memberships,
    messages,
    people,
    raids,
    reason_templates,
    rooms,
    sign_up,
)
from chat.admin.cases import case_list
from chat.pages.login_forms import AdminLoginForm

__all__ = [
    "bulk",
    "case_list",
    "filters",
    "log",
    "memberships",
    "messages",
    "people",
    "raids",
    "reason_templates",
    "rooms",
    "sign_up",
]

admin.site.site_header = "Holdfast"
admin.site.site_title = "Holdfast"
admin.site.login_form = AdminLoginForm
admin.site.index_title = gettext_lazy("Moderation")
