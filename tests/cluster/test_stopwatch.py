"""The stopwatch of an access that ends names a node that does not answer, until it does."""

import asyncio
from contextlib import closing

import httpx
import psycopg

from realtime.auth.revocation_timing import LATE_SECONDS
from realtime.core.node_reports import SILENT_AFTER_SECONDS
from tests.cluster.conftest import Desk
from tests.support.waiting import during, until

SLACK_SECONDS = 5.0
EVERY_SECONDS = 0.2  # nginx limits how often someone looks


def moderator(desk: Desk) -> httpx.Client:
    """Make Mona a moderator, and return a browser of hers."""
    desk.cluster.people.update(desk.cluster.add_people("mona"))
    desk.cluster.shape.manage("make_moderator", "mona")
    return desk.sign_in("mona")


async def forget_the_killed(desk: Desk) -> None:
    """Wait until no node that an earlier test has killed is expected to answer."""
    with psycopg.connect(desk.cluster.postgres.url, autocommit=True) as database:

        def alive() -> list[str]:
            query = (
                "SELECT name FROM realtime_node WHERE seen_at > now() - make_interval(secs => %s)"
            )
            return [name for (name,) in database.execute(query, [SILENT_AFTER_SECONDS])]

        await until(
            lambda: len(found := alive()) == len(set(found)),
            within=SILENT_AFTER_SECONDS + SLACK_SECONDS,
            every=EVERY_SECONDS,
        )


def sign_out_everywhere(browser: httpx.Client, user_id: int) -> None:
    form = {
        "ids": user_id,
        "reason": "a lost phone",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    assert (
        browser.post("/admin/chat/person/act/sign-out/", data=form).status_code == httpx.codes.FOUND
    )


async def test_the_log_names_the_node_that_has_not_answered_in_time(desk: Desk) -> None:
    desk.cluster.people.update(desk.cluster.add_people("mallory"))
    room = desk.room("mallory")
    awake, frozen = desk.cluster.socket_names
    here = await desk.client("mallory", room, awake)
    await desk.client("mallory", room, frozen)
    with closing(moderator(desk)) as browser:
        await forget_the_killed(desk)

        def log() -> str:
            return browser.get("/admin/chat/moderationlog/?q=to:mallory").raise_for_status().text

        async with during(desk.cluster[frozen].paused()):
            await asyncio.to_thread(sign_out_everywhere, browser, desk.cluster.people["mallory"].id)
            await until(lambda: here.close_code is not None)
            await until(
                lambda: "1 connection in " in log() and f"waiting for {frozen}" in log(),
                every=EVERY_SECONDS,
            )
            await until(
                lambda: f"not confirmed by {frozen}" in log(),
                within=LATE_SECONDS + SLACK_SECONDS,
                every=EVERY_SECONDS,
            )
            assert f"not confirmed by {awake}" not in log()
        in_time = {"within": SLACK_SECONDS, "every": EVERY_SECONDS}
        await until(
            lambda: "2 connections in " in (page := log()) and "not confirmed by" not in page,
            **in_time,
        )
