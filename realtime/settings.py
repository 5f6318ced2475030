"""The settings, all from environment variables.

``var/.env`` may hold them; the environment wins over it. A bad value stops the process with one
sentence (``realtime.site.environment``). docs/operations.md lists the variables; a test compares.
"""

import os
import secrets
import socket
import stat
from pathlib import Path

import django_stubs_ext
import environ

from realtime.site.environment import DatabaseWaits, Environment
from realtime.site.logs import logging_config

# Lets Django's generic classes carry their type argument: ModelAdmin[Room].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
LOCALE_DIR = BASE_DIR / "templates" / "locale"
# Everything that the process writes; nothing in it is tracked by git.
VAR_DIR = Path(os.environ.get("HOLDFAST_VAR_DIR") or BASE_DIR / "var").resolve()

environ.Env.read_env(VAR_DIR / ".env", overwrite=False)
env = Environment(os.environ)
env.text("HOLDFAST_VAR_DIR", "var")

# --- identity -------------------------------------------------------------------------------------

DEBUG = env.switch("DEBUG", False)
# Where `manage.py serve` listens, and the port of the origin that DEBUG allows.
PORT = env.whole("PORT", 8000)


def _secret_key() -> str:
    """Return the key that signs sessions; with DEBUG it is generated once and kept."""
    key = env.text("SECRET_KEY", "")
    if key:
        return key
    if not DEBUG:
        env.require(
            "SECRET_KEY",
            "a random string of at least 50 characters "
            "(with DEBUG=true one is generated and kept under var/)",
        )
    path = VAR_DIR / "secret_key"
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret_key.{os.getpid()}")
        draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            # Never overwrites: two processes that start together both use the key of the first.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key()
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
    "django.middleware.security.SecurityMiddleware",
    "realtime.site.csp.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "realtime.site.time_zones.in_the_readers_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

# Threads for reads; each holds at most one database connection.
HOLDFAST_READ_THREADS = env.whole("HOLDFAST_READ_THREADS", 4)
# Connections of one process: read threads, the two of the writer, and requests. Times the number of
# processes, it must be below PostgreSQL's max_connections.
HOLDFAST_DATABASE_POOL = env.whole("HOLDFAST_DATABASE_POOL", HOLDFAST_READ_THREADS + 8, least=2)
# Connections that the database accepts from all processes: max_connections of PostgreSQL, or the
# limit of PgBouncer. Only `check --deploy` reads it; `manage.py doctor` asks the server.
HOLDFAST_DATABASE_MAX_CONNECTIONS = env.whole("HOLDFAST_DATABASE_MAX_CONNECTIONS", 100)

# Seconds for one statement. On a healthy database they take milliseconds.
HOLDFAST_STATEMENT_SECONDS = env.decimal("HOLDFAST_STATEMENT_SECONDS", 15)
# Seconds to wait for a lock, and for a command of a locked stream to be answered.
HOLDFAST_LOCK_SECONDS = env.decimal("HOLDFAST_LOCK_SECONDS", 5)
# Seconds for which a transaction may do nothing: a frozen process must not keep its locks.
HOLDFAST_IDLE_TRANSACTION_SECONDS = env.decimal("HOLDFAST_IDLE_TRANSACTION_SECONDS", 10)
# Seconds to connect to PostgreSQL; libpq counts whole ones, and at least two.
HOLDFAST_CONNECT_SECONDS = env.whole("HOLDFAST_CONNECT_SECONDS", 3, least=2)
# Seconds to wait for a connection of the pool.
HOLDFAST_POOL_SECONDS = env.decimal("HOLDFAST_POOL_SECONDS", 5)

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

# Messages that may be queued for this process on the channel layer. Dropped ones are recovered from
# the database, at the cost of one query.
HOLDFAST_LAYER_CAPACITY = env.whole("HOLDFAST_LAYER_CAPACITY", 10_000)
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
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "realtime.site.staticfiles.HashedStaticFiles"},
}

# Languages to choose from; the first is for browsers that ask for none of them.
LANGUAGES = env.languages("LANGUAGES", ["en", "de", "ar"], folder=LOCALE_DIR)
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [LOCALE_DIR]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"

# --- authentication -------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # For accounts from another Django project; upgraded at the next sign-in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Whether anyone who reaches the site may create an account.
HOLDFAST_SIGNUP = env.switch("HOLDFAST_SIGNUP", True)

# HTTPS is assumed unless DEBUG is on. A server without it, on a closed network, has to say so.
HOLDFAST_HTTPS = env.switch("HOLDFAST_HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = HOLDFAST_HTTPS
# Probes come over plain HTTP from the internal network.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
# One year, the minimum for browsers' preload lists.
SECURE_HSTS_SECONDS = 31_536_000 if HOLDFAST_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HOLDFAST_HTTPS
SECURE_HSTS_PRELOAD = HOLDFAST_HTTPS
SESSION_COOKIE_SECURE = HOLDFAST_HTTPS
LANGUAGE_COOKIE_SECURE = HOLDFAST_HTTPS
CSRF_COOKIE_SECURE = HOLDFAST_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Only with a proxy that sets these headers on every request; otherwise any client could claim HTTPS
# or another address.
HOLDFAST_TRUST_PROXY = env.switch("HOLDFAST_TRUST_PROXY", False)
if HOLDFAST_TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The file of the site's certificate, where it is to be watched: /metrics says when it expires.
HOLDFAST_TLS_CERTIFICATE = env.text("HOLDFAST_TLS_CERTIFICATE", "")
METRICS_NETWORKS = env.networks("METRICS_NETWORKS", ["127.0.0.0/8", "::1"])  # may read /metrics

# --- the server process (`manage.py serve`) -------------------------------------------------------

# Declares how many processes and machines the site has, so that settings which work only within one
# process or machine are refused.
HOLDFAST_PROCESSES = env.whole("HOLDFAST_PROCESSES", env.whole("WEB_CONCURRENCY", 1))
HOLDFAST_HOSTS = env.whole("HOLDFAST_HOSTS", 1)
# Proxies whose X-Real-IP is trusted with HOLDFAST_TRUST_PROXY. A Unix socket always is: only the
# proxy can open it.
HOLDFAST_TRUSTED_PROXIES = env.networks("HOLDFAST_TRUSTED_PROXIES", ["127.0.0.0/8", "::1"])
# Connections that wait to be accepted: all clients of another node may come at once.
HOLDFAST_BACKLOG = env.whole("HOLDFAST_BACKLOG", 4096)
# Seconds for a handshake, which may queue in a reconnect storm.
HOLDFAST_HANDSHAKE_SECONDS = env.decimal("HOLDFAST_HANDSHAKE_SECONDS", 20)
# Seconds for the answer to a ping; then the socket is closed with 4001.
HOLDFAST_PONG_SECONDS = env.decimal("HOLDFAST_PONG_SECONDS", 20)
# Seconds for the client's close frame; then the connection is dropped.
HOLDFAST_CLOSE_SECONDS = env.decimal("HOLDFAST_CLOSE_SECONDS", 5)
# Over which SIGTERM sends the clients to other nodes.
DRAIN_SECONDS = env.decimal("DRAIN_SECONDS", 10)
# The surroundings of the node, for `check --deploy`. Seconds after which the proxy closes a silent
# connection: NGINX_READ_TIMEOUT of nginx/variables.env.
HOLDFAST_PROXY_SECONDS = env.whole("HOLDFAST_PROXY_SECONDS", 75)
# Seconds between SIGTERM and SIGKILL: TimeoutStopSec, stop_grace_period,
# terminationGracePeriodSeconds.
HOLDFAST_STOP_SECONDS = env.whole("HOLDFAST_STOP_SECONDS", 45)
# Of an HTTP request; as large as a form that Django accepts.
HOLDFAST_MAX_BODY_BYTES = env.whole("HOLDFAST_MAX_BODY_BYTES", 2_621_440)

# --- limits of the engine -------------------------------------------------------------------------

# The name of this process in `hello`, logs, metrics and `pg_stat_activity`.
HOLDFAST_NODE_NAME = env.text("HOLDFAST_NODE_NAME", f"{socket.gethostname()}-{os.getpid()}")
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # Shows in pg_stat_activity which node holds a lock. PostgreSQL keeps 63 bytes.
    DATABASES["default"]["OPTIONS"].setdefault("application_name", HOLDFAST_NODE_NAME[:63])

# Commands: a person sends a few each second; a client that returns after a long time offline sends
# its whole outbox at once.
HOLDFAST_COMMAND_RATE = env.decimal("HOLDFAST_COMMAND_RATE", 50)  # per second and socket
HOLDFAST_COMMAND_BURST = env.whole("HOLDFAST_COMMAND_BURST", 200)  # commands at once
# Refused commands before the socket is closed with 4002.
HOLDFAST_FLOOD_ALLOWANCE = env.whole("HOLDFAST_FLOOD_ALLOWANCE", 1000)
# Queued frames of one socket; beyond it the server stops reading from the socket.
HOLDFAST_INBOUND_QUEUE = env.whole("HOLDFAST_INBOUND_QUEUE", 256)
# Of one incoming message; a larger one closes the socket with 1009.
HOLDFAST_MAX_MESSAGE_BYTES = env.whole("HOLDFAST_MAX_MESSAGE_BYTES", 65_536)

# Slow readers. Unsent bytes of one socket: above it the socket is behind and skipped by flushes.
HOLDFAST_SOFT_MARK = env.whole("HOLDFAST_SOFT_MARK", 262_144)
# Unsent bytes of one socket: above it the socket is closed with 4003.
HOLDFAST_HARD_MARK = env.whole("HOLDFAST_HARD_MARK", 4_194_304)

# Subscriptions of one socket.
HOLDFAST_MAX_STREAMS_PER_SOCKET = env.whole("HOLDFAST_MAX_STREAMS_PER_SOCKET", 1000)
# Sockets of one user in one process; further ones are closed with 4504.
HOLDFAST_MAX_SOCKETS_PER_USER = env.whole("HOLDFAST_MAX_SOCKETS_PER_USER", 50)

# Rows in memory for each followed stream: some minutes of a busy room.
HOLDFAST_TAIL_EVENTS = env.whole("HOLDFAST_TAIL_EVENTS", 512)
# Bytes of these rows; 1,000 followed streams take less than 512 MiB.
HOLDFAST_TAIL_BYTES = env.whole("HOLDFAST_TAIL_BYTES", 524_288)

# The head check finds what the broker lost. Its period is the longest delay of an event.
# Seconds between checks of the streams that changed recently.
HOLDFAST_HEAD_CHECK_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_SECONDS", 3)
# Seconds between checks of all streams: finds what a long transaction hid.
HOLDFAST_HEAD_CHECK_ALL_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_ALL_SECONDS", 60)
# The same while the broker does not answer: a sign-out must reach all nodes within a second.
HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS", 0.5)

# Commands in one transaction; beyond 200 the gain per command is small.
HOLDFAST_WRITER_BATCH = env.whole("HOLDFAST_WRITER_BATCH", 200)
# Commands that wait for a transaction; further ones are answered with `unavailable`.
HOLDFAST_WRITER_QUEUE = env.whole("HOLDFAST_WRITER_QUEUE", 10_000)

# Home routers drop silent sockets after 30 to 60 s.
HOLDFAST_PING_AFTER_SECONDS = env.whole("HOLDFAST_PING_AFTER_SECONDS", 25)
# A reload or a tunnel does not count as leaving.
HOLDFAST_PRESENCE_LINGER_SECONDS = env.decimal("HOLDFAST_PRESENCE_LINGER_SECONDS", 15)
# Below the 60 s after which proxies close a connection.
HOLDFAST_LONG_POLL_MAX_SECONDS = env.decimal("HOLDFAST_LONG_POLL_MAX_SECONDS", 30)

# Hosts whose images are shown next to their links. Each host learns who reads a message and when,
# so the default is none.
HOLDFAST_IMAGE_HOSTS = env.hosts("HOLDFAST_IMAGE_HOSTS", [])

# The name of the site when it is installed as an app.
HOLDFAST_APP_NAME = env.text("HOLDFAST_APP_NAME", "Holdfast")

# --- limits of chat -------------------------------------------------------------------------------

HOLDFAST_MESSAGE_MAX_LENGTH = env.whole("HOLDFAST_MESSAGE_MAX_LENGTH", 4000)  # characters
# Different emoji on one message.
HOLDFAST_MAX_REACTION_KINDS = env.whole("HOLDFAST_MAX_REACTION_KINDS", 20)
# On one message: each event carries them all.
HOLDFAST_MAX_REACTIONS = env.whole("HOLDFAST_MAX_REACTIONS", 500)
# Limits of posting for one user, counted by each process. A client that returns after a long time
# offline sends its whole outbox at once. Messages in HOLDFAST_POST_SECONDS; 0: no limit.
HOLDFAST_POSTS = env.whole("HOLDFAST_POSTS", 600, least=0)
# Users mentioned in the same time; 0: no limit.
HOLDFAST_POST_MENTIONS = env.whole("HOLDFAST_POST_MENTIONS", 200, least=0)
HOLDFAST_POST_SECONDS = env.decimal("HOLDFAST_POST_SECONDS", 60)
# How often the same text, in any rooms; 0: no limit.
HOLDFAST_REPEATS = env.whole("HOLDFAST_REPEATS", 20, least=0)
HOLDFAST_REPEAT_SECONDS = env.decimal("HOLDFAST_REPEAT_SECONDS", 60)
# The users who may post links.
HOLDFAST_LINKS = env.text("HOLDFAST_LINKS", "everyone", choices=["everyone", "known", "moderators"])
# Age of an account from which it counts as known.
HOLDFAST_LINKS_AFTER_DAYS = env.whole("HOLDFAST_LINKS_AFTER_DAYS", 3)
# Threads for the pre-publish hooks of other apps.
HOLDFAST_HOOK_THREADS = env.whole("HOLDFAST_HOOK_THREADS", 4)
# Users that one message may notify by name.
HOLDFAST_MAX_MENTIONS = env.whole("HOLDFAST_MAX_MENTIONS", 50)

# --- retention ------------------------------------------------------------------------------------

# Days for which messages are kept, in rooms without a setting of their own; 0: for ever. It is
# carried out by `manage.py retention`, which a timer has to start.
HOLDFAST_RETENTION_DAYS = env.whole("HOLDFAST_RETENTION_DAYS", 0, least=0)
# Days for which notifications that were read are kept; 0: for ever.
HOLDFAST_NOTIFICATION_DAYS = env.whole("HOLDFAST_NOTIFICATION_DAYS", 0, least=0)

# --- logs -----------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = env.text("LOG_FORMAT", "console" if DEBUG else "json", choices=["console", "json"])
LOGGING = logging_config(level=LOG_LEVEL, style=LOG_FORMAT, node=HOLDFAST_NODE_NAME)

# --- traces and errors ----------------------------------------------------------------------------

# Both need an extra of pyproject.toml: `otel`, `sentry`.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
SENTRY_DSN = env.text("SENTRY_DSN", "")

env.refuse_unknown("HOLDFAST_")
