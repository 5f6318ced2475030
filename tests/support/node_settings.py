"""The settings of server processes under test, with a fast password hash and little work."""

import os

from realtime.settings import *  # noqa: F403
from realtime.settings import PASSWORD_HASHERS as _PASSWORD_HASHERS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *_PASSWORD_HASHERS]

HOLDFAST_SIGNUP_WORK = 10  # bits

# The people of most tests have just been made, and say the same.
HOLDFAST_NEW_ACCOUNT_DAYS = int(os.environ.get("HOLDFAST_NEW_ACCOUNT_DAYS", "0"))
