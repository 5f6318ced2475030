"""The settings of server processes under test, with a fast password hash."""

from realtime.settings import *  # noqa: F403
from realtime.settings import PASSWORD_HASHERS as _PASSWORD_HASHERS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *_PASSWORD_HASHERS]
