"""A page stays usable whatever a stranger wrote into the room."""

from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, sent
from tests.conftest import People

MESSAGES = 50
LENGTH = 3950
# On two busy processors. One such block took 100 ms of the page before it was coloured elsewhere,
# and fifty together held it up for 12 to 30 s.
LONGEST_TASK_MS = 2000

# By language: the piece that its grammar reads again and again.
WORST = {"java": "a", "ini": "0x", "c": "a", "bash": '"', "markdown": "<a><", "python": "f(\n"}
TEXTS = ["`" * 400, "[a.b](http://c.d) ", "#a-", "http://a/[[[", "@bob ", "> - ", "a\u0301", "🙂"]

WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: 'longtask', buffered: true });
"""


def hostile() -> list[str]:
    blocks = []
    for language, piece in WORST.items():
        blocks += [
            f"```{language}\n{(piece * LENGTH)[:LENGTH]}\n```",
            # In lines, as the highlighter takes them.
            f"```{language}\n{''.join((piece * 150)[:390] + chr(10) for _ in range(9))}```",
        ]
    texts = [(piece * LENGTH)[:LENGTH] for piece in TEXTS]
    every = blocks + texts
    return [f"{every[number % len(every)][:LENGTH]}" for number in range(MESSAGES)]


def longest_task(page: Page) -> float:
    return float(page.evaluate("window.longest"))


def test_fifty_hostile_messages_do_not_freeze_a_page(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    for number, body in enumerate(hostile()):
        author = (people.alice, people.bob)[number % 2]
        services.post_message(author_id=author.pk, room_id=lab.pk, body=body)
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="```js\nlet a = 1;\n```")
    page = open_page(people.bob, "/accounts/")
    page.context.add_init_script(WATCH)
    page.goto("/rooms/lab/")
    connected(page)
    expect(message(page, "let a").locator(".hljs-keyword")).to_have_text("let")
    page.mouse.move(400, 300)
    for _ in range(10):
        page.mouse.wheel(0, -3000)
    page.get_by_role("textbox", name="Message").last.press_sequentially("Still here")
    page.keyboard.press("Enter")
    sent(page, "Still here")
    assert longest_task(page) < LONGEST_TASK_MS


def test_only_blocks_in_view_are_coloured(open_page: OpenPage, people: People, lab: Room) -> None:
    for number in range(40):
        body = f"```js\nlet a{number} = 1;\n" + "//\n" * 12 + "```"
        services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=body)
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    expect(page.locator(".hljs-keyword").last).to_be_visible()
    coloured = page.locator(".code:has(.hljs-keyword)").count()
    assert 0 < coloured < 20
    page.locator(".code").first.scroll_into_view_if_needed()
    expect(page.locator(".code").first.locator(".hljs-keyword")).to_have_text("let")
