"""The settings, all from environment variables.

``var/.env`` may hold them; the environment wins over it. A bad value stops the process with one
sentence (``realtime.site.environment``). docs/operations.md lists the variables; a test compares.
"""

import os
from pathlib import Path

import environ

from realtime.site.environment import DatabaseWaits
from realtime.site.logs import logging_config
from realtime.site.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
LOCALE_DIR = BASE_DIR / "templates" / "locale"
# Everything that the process writes; nothing in it is tracked by git.
VAR_DIR = Path(os.environ.get("HOLDFAST_VAR_DIR") or BASE_DIR / "var").resolve()

environ.Env.read_env(VAR_DIR / ".env", overwrite=False)

# Not before, because these read the environment.
from realtime.site.options import *  # noqa: E402, F403
from realtime.site.options import (  # noqa: E402
    HOLDFAST_CONNECT_SECONDS,
    HOLDFAST_DATABASE_POOL,
    HOLDFAST_LAYER_CAPACITY,
    HOLDFAST_LOCK_SECONDS,
    HOLDFAST_NODE_NAME,
    HOLDFAST_POOL_SECONDS,
    HOLDFAST_SESSION_IDLE_DAYS,
    HOLDFAST_TRUST_PROXY,
    env,
)

env.text("HOLDFAST_VAR_DIR", "var")

# --- identity -------------------------------------------------------------------------------------

DEBUG = env.switch("DEBUG", False)
# Where `manage.py serve` listens, and the port of the origin that DEBUG allows.
PORT = env.whole("PORT", 8000)
SECRET_KEY = secret_key(env, debug=DEBUG, var=VAR_DIR)
# Former keys, so that a rotation signs no one out.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", [])

_LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", _LOCAL_HOSTS if DEBUG else [])
# Which pages may open a WebSocket with a cookie, or send a form. Full origins: a host alone would
# allow all of its ports.
ALLOWED_ORIGINS = env.origins(
    "ALLOWED_ORIGINS", [f"http://{host}:{PORT}" for host in _LOCAL_HOSTS] if DEBUG else []
)
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

# --- application ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "realtime",  # before the apps that register streams with it
    "notifications",
    "chat",
    # The operator's own apps. Before Django's apps, so that they can override their templates.
    *env.apps("HOLDFAST_APPS"),
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

# All are async-capable: event streams and long polls wait in async views, and a single sync
# middleware would occupy a thread for each of them.
MIDDLEWARE = [
    "realtime.site.requests.observed",
    "realtime.site.compression.compressed",
    # Outside of everything that answers by itself, such as the redirect to HTTPS.
    "realtime.site.security_headers.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "realtime.auth.last_seen.sessions_seen",
    "chat.pages.traces.traces_noted",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "realtime.site.time_zones.in_the_readers_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "chat.pages.display.displayed",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "realtime.auth.refusals.RefusalPages",
]

ROOT_URLCONF = "realtime.urls"
ASGI_APPLICATION = "realtime.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- storage --------------------------------------------------------------------------------------

DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        base=BASE_DIR,
        default=VAR_DIR / "holdfast.sqlite3",
        pool=HOLDFAST_DATABASE_POOL,
        waits=DatabaseWaits(
            lock=HOLDFAST_LOCK_SECONDS,
            connect=HOLDFAST_CONNECT_SECONDS,
            pool=HOLDFAST_POOL_SECONDS,
        ),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": env.channel_layer("CHANNEL_LAYER_URL", "memory://", capacity=HOLDFAST_LAYER_CAPACITY)
}
CACHES = {"default": env.cache("CACHE_URL", "memory://")}

# A lost cache signs no one out; a cache that is away costs one query.
SESSION_ENGINE = "realtime.auth.cached_sessions"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Seconds for each step with the mail server; Django's default is none. Holdfast itself sends no
# mail; Django does to ADMINS, and apps of your own may.
EMAIL_TIMEOUT = 10

# --- pages and languages --------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
HOLDFAST_BUNDLE_DIR = env.text("HOLDFAST_BUNDLE_DIR", str(BASE_DIR / "dist"))  # of `make bundle`
STATICFILES_DIRS = [path for path in [Path(HOLDFAST_BUNDLE_DIR, "static")] if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "realtime.site.staticfiles.HashedStaticFiles"},
}

# Languages to choose from; the first is for browsers that ask for none of them.
LANGUAGES = env.languages("LANGUAGES", ["en", "de", "ar"], folder=LOCALE_DIR)
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [LOCALE_DIR]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"

# --- authentication -------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "realtime.auth.passwords.hashing.Argon2",
    # For accounts from another Django project; upgraded at the next sign-in.
    "realtime.auth.passwords.hashing.PBKDF2",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "realtime.auth.passwords.rules.LengthValidator"},
    {"NAME": "realtime.auth.passwords.rules.KnownPasswordValidator"},
    {"NAME": "realtime.auth.passwords.rules.ContextValidator"},
]

SESSION_COOKIE_AGE = HOLDFAST_SESSION_IDLE_DAYS * 24 * 3600

# HTTPS is assumed unless DEBUG is on. A server without it, on a closed network, has to say so.
HOLDFAST_HTTPS = env.switch("HOLDFAST_HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = HOLDFAST_HTTPS
# Probes of the internal network; and programs, which are refused without HTTPS (auth.http).
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^api/"]
# One year, the minimum for browsers' preload lists.
SECURE_HSTS_SECONDS = 31_536_000 if HOLDFAST_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HOLDFAST_HTTPS
SECURE_HSTS_PRELOAD = HOLDFAST_HTTPS
# Browsers accept the prefix only with Secure, without a domain and for the whole site: no other
# host of the domain, and nobody in the network, can set these cookies (RFC 6265bis, 4.1.3.2).
_HOST_ONLY = "__Host-" if HOLDFAST_HTTPS else ""
SESSION_COOKIE_NAME = f"{_HOST_ONLY}sessionid"
CSRF_COOKIE_NAME = f"{_HOST_ONLY}csrftoken"
LANGUAGE_COOKIE_NAME = f"{_HOST_ONLY}language"
LAST_ROOM_COOKIE_NAME = f"{_HOST_ONLY}last_room"
TIME_ZONE_COOKIE_NAME = f"{_HOST_ONLY}timezone"  # of static/realtime/lib/time_zone.js
# Cookies that tell what a person did; deleted when someone signs out, or in.
PERSONAL_COOKIES = [LAST_ROOM_COOKIE_NAME]
SESSION_COOKIE_SECURE = HOLDFAST_HTTPS
LANGUAGE_COOKIE_SECURE = HOLDFAST_HTTPS
CSRF_COOKIE_SECURE = HOLDFAST_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

if HOLDFAST_TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# May read /metrics and /readyz, but never through a proxy that is not believed. None by default:
# requests that a proxy on the same machine passes on look as if they came from that machine.
METRICS_NETWORKS = env.networks("METRICS_NETWORKS", ["127.0.0.0/8", "::1"] if DEBUG else [])

if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # Shows in pg_stat_activity which node holds a lock. PostgreSQL keeps 63 bytes.
    DATABASES["default"]["OPTIONS"].setdefault("application_name", HOLDFAST_NODE_NAME[:63])

# --- logs -----------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = env.text("LOG_FORMAT", "console" if DEBUG else "json", choices=["console", "json"])
LOGGING = logging_config(level=LOG_LEVEL, style=LOG_FORMAT, node=HOLDFAST_NODE_NAME)

env.refuse_unknown("HOLDFAST_")
