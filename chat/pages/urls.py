"""Addresses of the HTML pages, to be included at the root."""

from django.urls import path

from chat.pages import (
    accounts,
    appeals,
    display,
    invitations,
    notification_settings,
    offline,
    personal_data,
    sessions,
    views,
)
from realtime.auth import confirmation

urlpatterns = [
    path("manifest.webmanifest", offline.manifest, name="manifest"),
    path("service-worker.js", offline.service_worker, name="service-worker"),
    path("install/", offline.install, name="install"),
    path("", views.home, name="home"),
    path("rooms/", views.directory, name="directory"),
    path("rooms/new/", views.create_room, name="create-room"),
    path("rooms/<slug:slug>/", views.room, name="room"),
    path("rooms/<slug:slug>/<int:number>/", views.room, name="permalink"),
    path("invite/<str:token>/", invitations.invite, name="invite"),
    path("inbox/", views.inbox, name="inbox"),
    path(
        "account/notifications/",
        notification_settings.notification_settings,
        name="notification-settings",
    ),
    path("rooms/<slug:slug>/reports/", appeals.room_reports, name="room-reports"),
    path("decisions/", appeals.decisions, name="decisions"),
    path("decisions/<int:message_id>/", appeals.removal, name="appeal"),
    path("decisions/held/<int:case_id>/", appeals.refusal, name="appeal-held"),
    path("decisions/rooms/<int:room_id>/", appeals.room_mute, name="appeal-room-mute"),
    path("decisions/ban/", appeals.ban, name="appeal-ban"),
    path("decisions/mute/", appeals.mute, name="appeal-mute"),
    path("search/", views.search, name="search"),
    path("accounts/", accounts.account, name="account"),
    path("accounts/data/", personal_data.download, name="own-data"),
    path("accounts/receipts/", accounts.choose_receipts, name="receipts"),
    path("accounts/preferences/", display.preferences, name="preferences"),
    path("accounts/blocks/lift/", accounts.lift_block, name="lift-block"),
    path("accounts/sessions/", sessions.sessions, name="sessions"),
    path("accounts/sessions/end/", sessions.end_session, name="end-session"),
    path("accounts/sessions/end-others/", sessions.end_other_sessions, name="end-other-sessions"),
    path("accounts/tokens/revoke/", sessions.revoke_token, name="revoke-token"),
    path("accounts/login/", accounts.login, name="login"),
    path("accounts/logout/", accounts.logout, name="logout"),
    path("accounts/signup/", accounts.signup, name="signup"),
    path("accounts/confirm/", confirmation.confirm, name="confirm"),
    path("accounts/password_change/", accounts.password_change, name="password_change"),
]
