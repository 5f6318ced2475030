"""The settings of server processes under test: the project's own, and the hash of the accounts that tests make."""

from realtime.settings import *  # noqa: F403
from realtime.settings import PASSWORD_HASHERS as _PASSWORD_HASHERS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *_PASSWORD_HASHERS]
