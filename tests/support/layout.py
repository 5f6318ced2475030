"""Checks the boxes of a page in every state and at every width: overlaps, cuts, broken words.

``layout.js`` has the rules. A page is loaded once; then the width, the size of its text and the
state of the page change in place.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby, product
from typing import Final

from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse
from django.urls.converters import IntConverter
from playwright.sync_api import Page

from tests.support.server import ROOT

WIDTHS: Final = [360, 414, 768, 820, 1440, 2560]
HEIGHT: Final = 900
FINGER_PX: Final = 44
TEXT_PX: Final = {"100 %": 16, "200 %": 32}  # as the reader sets it in the browser
EVERY_SIZE: Final = tuple(product(TEXT_PX, WIDTHS))

_SCRIPT: Final = (ROOT / "tests" / "support" / "layout.js").read_text()


def addresses(
    patterns: list[URLPattern], arguments: Mapping[str, object], user: User | None
) -> list[str]:
    """Return the address of every pattern that answers this user with a page."""
    client = Client()
    if user:
        client.force_login(user)
    found = []
    for pattern in patterns:
        wanted = {
            name: arguments.get(name, 1 if isinstance(converter, IntConverter) else "nothing")
            for name, converter in pattern.pattern.converters.items()
        }
        path = reverse(str(pattern.name), kwargs=wanted)
        response = client.get(path)
        if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
            found.append(path)
    return found


def faults(
    page: Page,
    *,
    layers: bool = False,
    both_ways: bool = True,
    sizes: Iterable[tuple[str, int]] = EVERY_SIZE,
) -> list[str]:
    """Return the faults of the boxes of the page; with its dialogs and menus on demand.

    ``both_ways`` turns the page around. Django's admin has a style sheet for each direction, and is
    seen in that of its language.
    """
    page.evaluate("document.fonts.ready.then(() => null)")
    layout = page.evaluate_handle(_SCRIPT)
    session = page.context.new_cdp_session(page)
    found: list[str] = []
    for text, group in groupby(sizes, key=lambda size: size[0]):
        fonts = {"standard": TEXT_PX[text], "fixed": TEXT_PX[text]}
        session.send("Page.setFontSizes", {"fontSizes": fonts})
        for _, width in group:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            problems = layout.evaluate(
                "(layout, options) => layout.check(options)",
                {"layers": layers, "bothWays": both_ways},
            )
            found += [f"{width} px, text of {text}, {problem}" for problem in problems]
    session.detach()
    return found


def small_targets(page: Page) -> list[str]:
    """Return the targets that are smaller than a finger."""
    found: list[str] = page.evaluate_handle(_SCRIPT).evaluate(
        "(layout, least) => layout.small(least)", FINGER_PX
    )
    return found
