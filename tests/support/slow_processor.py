"""A slow processor in every page of a test: text appears long before scripts run.

It finds pages that are pressed before they listen, and timers that end while the answer waits
behind them. ``make test-slow`` switches it on.
"""

import os

from playwright.sync_api import Page

# The settings of the tests forget all that begins with HOLDFAST_.
SLOW = os.environ.get("TEST_PROCESSOR") == "slow"
PATIENCE = 4 if SLOW else 1  # how many times longer than usual a page may take
RATE = 8  # how many times slower than it is


def before(page: Page) -> None:
    """Slow a page down that was just opened."""
    if SLOW:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": RATE})
