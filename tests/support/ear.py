"""A page as a screen reader has it: its accessibility tree, and what live regions announce."""

from itertools import pairwise
from typing import Any, Final, NamedTuple

from playwright.sync_api import Page

CONTROLS: Final = frozenset(
    {
        *("button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "switch"),
        *("menuitem", "menuitemcheckbox", "menuitemradio", "tab", "option", "slider"),
        *("spinbutton", "listbox", "menu", "dialog", "alertdialog", "tablist", "toolbar"),
        *("navigation", "region", "img", "image"),
    }
)
# Each of these is a state of what has this role.
STATES: Final = {
    "checkbox": "checked",
    "radio": "checked",
    "switch": "checked",
    "menuitemcheckbox": "checked",
    "menuitemradio": "checked",
    "tab": "selected",
    "option": "selected",
}

# Reports each text that appears in a live region that can be seen by a screen reader, once for
# each change of it, as a screen reader would speak it.
_RECORD: Final = """
window.announcements = [];
const LIVE = ['[role="status"]', '[role="alert"]', '[role="log"]', '[aria-live="polite"]',
  '[aria-live="assertive"]'].join();
const isHeard = (element) => element.getAttribute('aria-live') !== 'off'
  && element.checkVisibility({ visibilityProperty: true });
const spoken = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE) return '';
  if (node.getAttribute('aria-hidden') === 'true' || !node.checkVisibility()) return '';
  return [...node.childNodes].map(spoken).join(' ');
};
const hear = (node) => {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  const region = element?.closest(LIVE);
  if (!region || !isHeard(region) || element.closest('[aria-hidden="true"]')) return;
  const words = spoken(node).replaceAll(/\\s+/g, ' ').trim();
  if (words) window.announcements.push(words);
};
new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === 'characterData') hear(target);
    else if (type === 'attributes') { if (!target.hidden) hear(target); }
    else for (const node of addedNodes) if (node.isConnected) hear(node);
  }
}).observe(document, {
  subtree: true, childList: true, characterData: true, attributeFilter: ['hidden'],
});
"""


class Heard(NamedTuple):
    """A part of the tree: its role, name, level of a heading, and states."""

    role: str
    name: str
    level: int
    states: dict[str, Any]


def record(page: Page) -> None:
    """Begin to record what live regions announce."""
    page.evaluate(f"() => {{ {_RECORD} }}")


def announced(page: Page) -> list[str]:
    """Return what was announced since the last question, in order."""
    found: list[str] = page.evaluate("window.announcements.splice(0)")
    return found


def tree(page: Page) -> list[Heard]:
    """Return what a screen reader finds on the page, in order."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in nodes}
    found: list[Heard] = []

    def walk(node: dict[str, Any]) -> None:
        if not node.get("ignored"):
            found.append(_heard(node))
        for child in node.get("childIds", ()):
            if child in by_id:
                walk(by_id[child])

    walk(nodes[0])
    return found


def _heard(node: dict[str, Any]) -> Heard:
    states = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
    return Heard(
        str(node["role"]["value"]),
        str(node.get("name", {}).get("value", "")).strip(),
        int(states.get("level") or 0),
        states,
    )


def silences(page: Page) -> list[str]:
    """Return what a screen reader cannot name, and what is out of order on the page."""
    parts = tree(page)
    found = [
        f"{each.role} without a name after “{_before(parts, place)}”"
        for place, each in enumerate(parts)
        if each.role in CONTROLS and not each.name
    ]
    found += [
        f"{each.role} “{each.name}” without its state {STATES[each.role]}"
        for each in parts
        if each.role in STATES and STATES[each.role] not in each.states
    ]
    for role in ("search", "complementary", "navigation"):
        names = [each.name for each in parts if each.role == role]
        if len(names) > 1 and len(set(names) - {""}) < len(names):
            found.append(f"several parts of the role {role} that names do not tell apart: {names}")
    headings = [each for each in parts if each.role == "heading"]
    # A modal dialog hides the page.
    is_modal = any(each.role == "dialog" and each.states.get("modal") for each in parts)
    mains = sum(each.role == "main" for each in parts)
    if mains != 1 and not is_modal:
        found.append(f"{mains} main parts")
    return [*found, *_headings(headings, is_modal=is_modal)]


def _before(parts: list[Heard], place: int) -> str:
    names = [each.name for each in parts[:place] if each.name]
    return names[-1] if names else "the beginning"


def _headings(headings: list[Heard], *, is_modal: bool) -> list[str]:
    found = [f"heading without words, level {each.level}" for each in headings if not each.name]
    firsts = [each.name for each in headings if each.level == 1]
    if len(firsts) != 1 and not is_modal:
        found.append(f"headings of level 1: {firsts}")
    for before, each in pairwise(headings):
        if each.level > before.level + 1:
            found.append(f"heading “{each.name}” of level {each.level} after level {before.level}")
    return found
