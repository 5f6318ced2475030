"""axe-core in a page: violations of WCAG 2.2 AA and of axe's best practices."""

from typing import Final

from playwright.sync_api import Page

from tests.support.server import ROOT

_SOURCE: Final = ROOT / "var" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A menu in the top layer belongs to no part of the page; axe exempts dialogs from this rule, and
# not yet popovers.
_OUTSIDE_LANDMARKS: Final = "[popover]"
# It counts no label that is a picture with a text, as that of the admin's search.
_BLIND: Final = ["label-title-only"]
_RUN: Final = """
async ([rules, blind, outside]) => {
  const off = Object.fromEntries(blind.map((rule) => [rule, { enabled: false }]));
  const runOnly = { type: 'tag', values: rules };
  const found = await axe.run(document, { runOnly, rules: off, resultTypes: ['violations'], preload: false });
  return found.violations.flatMap(({ id, nodes }) => nodes
    .filter(({ target }) => id !== 'region' || !document.querySelector(target[0])?.closest(outside))
    .map(({ target, any, all, none }) => `${id}: ${target.join(' ')}: ${[...any, ...all, ...none][0]?.message}`));
}
"""


def violations(page: Page) -> list[str]:
    """Return what is wrong with a page as it is now: the rule, the element, and why.

    In the colours that it shows, light or dark.
    """
    page.evaluate(
        "Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => "
        "null)))"
    )
    # By the debugger, so no policy forbids it.
    page.evaluate("window.axe === undefined") and page.evaluate(_SOURCE.read_text())
    found: list[str] = page.evaluate(_RUN, [_RULES, _BLIND, _OUTSIDE_LANDMARKS])
    return found
