"""The project's settings with one more app: a stream without a table, and its command."""

from realtime.settings import *  # noqa: F403
from realtime.settings import INSTALLED_APPS as _INSTALLED_APPS

INSTALLED_APPS = [*_INSTALLED_APPS, "tests.bench.holdfast.apps.BenchConfig"]

# A load repeats one text some ten times a second. The limits are looked at for each post, and none
# is reached.
HOLDFAST_POSTS = HOLDFAST_REPEATS = HOLDFAST_POST_MENTIONS = 10**9
HOLDFAST_NEW_ACCOUNT_DAYS = 0
HOLDFAST_COMMAND_RATE = HOLDFAST_COMMAND_BURST = 10**9
