"""Hypothesis is deterministic here: the same examples on every machine.

``HYPOTHESIS_PROFILE=deep`` looks further, with chance.
"""

import os

from hypothesis import settings

settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, max_examples=100, print_blob=False
)
settings.register_profile("deep", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
