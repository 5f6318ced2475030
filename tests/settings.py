"""The settings of a test run: independent of the developer's environment."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A directory of its own for each run: two runs at once share nothing, and nobody's var/ is read.
_VAR = Path(tempfile.mkdtemp(prefix="holdfast-tests-"))
atexit.register(shutil.rmtree, _VAR, ignore_errors=True)

_KEPT = {
    name: os.environ[name]
    for name in ("DATABASE_URL", "CHANNEL_LAYER_URL", "CACHE_URL", "LOG_LEVEL")
    if name in os.environ
}
for _name in [name for name in os.environ if name.startswith("HOLDFAST_")] + [
    "DEBUG",
    "PORT",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
]:
    os.environ.pop(_name, None)
os.environ.update(
    {
        "HOLDFAST_VAR_DIR": str(_VAR),
        "SECRET_KEY": "of-the-tests-and-of-nothing-else-0123456789-abcdefghijklmnop",
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "ALLOWED_ORIGINS": "http://testserver",
        "HOLDFAST_HTTPS": "false",
        "METRICS_NETWORKS": "127.0.0.0/8",
        "HOLDFAST_NODE_NAME": "tests",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
        **_KEPT,
    }
)

from realtime.settings import *  # noqa: E402, F403
from realtime.settings import DATABASES, INSTALLED_APPS, PASSWORD_HASHERS, STORAGES  # noqa: E402

# A slow hash is what a test of anything else does not need; the accounts can sign in at the server
# processes too (node_settings).
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
# No collectstatic first.
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: the writer and the read threads have connections of their own, and must
    # meet real locks.
    DATABASES["default"]["TEST"] = {"NAME": str(_VAR / "test.sqlite3")}
    # No test survives the machine, so none has to wait for its disk.
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
elif "TEST_DATABASE_TEMPLATE" in os.environ:
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ["TEST_DATABASE_TEMPLATE"]}

# Each test uses the same user ids again, so what a process remembers of them would
# belong to another user. tests/chat/test_rate_limit.py has limits.
HOLDFAST_REPEATS = HOLDFAST_POSTS = HOLDFAST_POST_MENTIONS = 0
# Likewise: no account is new. tests/chat/raids has new ones.
HOLDFAST_NEW_ACCOUNT_DAYS = HOLDFAST_SIGNUPS_PER_HOUR = 0

# Of browsers, which these tests have not. tests/chat/test_sign_up.py has it.
HOLDFAST_SIGNUP_WORK = 0

INSTALLED_APPS = [*INSTALLED_APPS, "tests.extending"]  # the example of docs/extending.md
