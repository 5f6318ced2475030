"""Limits beyond one process: of an account on all nodes, and of all new accounts together.

``chat.text.rate_limit`` counts in each process first. Here the nodes add up where they share a
cache, one round trip for all posts of a batch, and one post that is nothing special needs none.
The texts and links of new accounts are counted over all accounts, also within one process.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from django.conf import settings

from chat.errors import TooSimilar
from chat.models import Message
from chat.moderation.new_accounts import new_accounts
from chat.services.messages.rendering import RenderJob, Text, rendered
from chat.text.sameness import digest, links, same_links, same_text
from realtime.core import metrics
from realtime.core.bounds.budgets import is_shared
from realtime.core.bounds.shared_counts import Count, shared_counts
from realtime.protocol.errors import HoldfastError, RateLimited

log = logging.getLogger("holdfast.limits")

# The part of an account's limit that a process lets through without asking the other nodes.
LOCAL_PART: Final = 4
SHORT_TIMES: Final = 4  # as often as other texts, short ones may be the same by chance
SIGNS: Final = "raid_signs"


class Author(NamedTuple):
    """Whose post is counted."""

    user_id: int
    is_new: bool  # the rules over all accounts count it
    is_limited: bool  # the limits of an account count it: not of owners and moderators of the room


class _Rule(NamedTuple):
    """A limit, and what is counted for it."""

    name: str  # in the metrics
    most: int
    counts: tuple[Count, ...]
    error: HoldfastError


def admits_unasked(user_id: int, body: str) -> bool:
    """Count a plain post, and return True, if that needs no other node and no query.

    False counts nothing: ``check_posts`` has to decide, on a thread that may wait.
    """
    is_new = new_accounts.known(user_id)
    if is_new is None or (is_new and not body.isascii()):  # folding takes longer
        return False
    rules = _rules_of_post(Author(user_id, is_new, is_limited=True), body)
    return not rules or shared_counts.add_unasked([each for rule in rules for each in rule.counts])


def check_posts(posts: Sequence[tuple[Author, str]]) -> list[HoldfastError | None]:
    """Count posts before they are rendered, and return why each is refused, or None."""
    return _checked([_rules_of_post(author, body) for author, body in posts])


def check_edit(author: Author, body: str) -> None:
    """Count the new text of a message. Raises ``TooSimilar``."""
    if author.is_new and (problem := _checked([[*_text(author, body)]])[0]):
        raise problem


def rendered_within_limits(job: RenderJob) -> Text | HoldfastError:
    """Filter and render a text, and count what is known only then: its mentions and links."""
    text = rendered(job)
    if isinstance(text, HoldfastError):
        return text
    raw, before = job.raw, job.raw.before
    author = Author(raw.author_id, raw.is_new, raw.is_limited)
    new_mentions = set(text.mentions) - set(before.mentions if before else ())
    rules = [*_mentions(author, len(new_mentions)), *_links(author, text.html, before)]
    return _checked([rules])[0] or text


def count_sign_up() -> bool:
    """Count a new account, and return whether there are more in this hour than usual."""
    most: int = settings.HOLDFAST_SIGNUPS_PER_HOUR
    if not most:
        return False
    hour = 3600.0
    (total,) = shared_counts.add([Count("sign_ups", hour, ask_from=most // LOCAL_PART)])
    if total > most:
        _refused("sign_ups", 1)
    return total > most


def signs_of_raid() -> int:
    """Return how many posts and sign-ups the rules over all accounts have stopped recently."""
    return shared_counts.total(SIGNS, settings.HOLDFAST_SAME_SECONDS)


def _checked(posts: Sequence[Sequence[_Rule]]) -> list[HoldfastError | None]:
    """Count for all posts in one round trip. Each gets the error of the first rule it breaks."""
    wanted = [count for rules in posts for rule in rules for count in rule.counts]
    totals = iter(shared_counts.add(wanted) if wanted else ())
    return [_problem(rules, totals) for rules in posts]


def _problem(rules: Sequence[_Rule], totals: Iterator[int]) -> HoldfastError | None:
    broken: _Rule | None = None
    for rule in rules:
        total, *own = islice(totals, len(rule.counts))
        # Of all accounts: this post, and those of others. The author's own have another limit.
        if (total - own[0] + 1 if own else total) > rule.most and broken is None:
            broken = rule
    if broken is None:
        return None
    # A refused post does not count against its author. A raid that goes on stays refused.
    of_account = [rule for rule in rules if len(rule.counts) == 1]
    shared_counts.give_back(count for rule in of_account for count in rule.counts)
    if broken in of_account:
        broken.error.retry_after = shared_counts.wait(broken.counts[0], broken.most)
    _refused(broken.name, 0 if broken in of_account else 1)
    return broken.error


def _refused(name: str, signs: int) -> None:
    metrics.refusals.labels(name).inc()
    log.warning("limit over all nodes reached", extra={"limit": name})
    if signs:
        shared_counts.add([Count(SIGNS, settings.HOLDFAST_SAME_SECONDS, ask_from=0)])


def _rules_of_post(author: Author, body: str) -> list[_Rule]:
    return [*_account(author, body), *_text(author, body)]


def _account(author: Author, body: str) -> Iterator[_Rule]:
    """Yield the limits of an account; a process alone has those of ``chat.text.rate_limit``."""
    if not (author.is_limited and is_shared()):
        return
    user_id = author.user_id
    posts, seconds = settings.HOLDFAST_POSTS, settings.HOLDFAST_POST_SECONDS
    if posts:
        yield _Rule(
            "account_posts",
            posts,
            (Count(f"posts:{user_id}", seconds, posts // LOCAL_PART),),
            RateLimited("You're sending messages too fast. Wait a moment."),
        )
    repeats, seconds = settings.HOLDFAST_REPEATS, settings.HOLDFAST_REPEAT_SECONDS
    if repeats:
        text = digest(" ".join(body.casefold().split()))
        yield _Rule(
            "account_repeats",
            repeats,
            (Count(f"repeats:{user_id}:{text}", seconds, repeats // LOCAL_PART),),
            RateLimited(
                "You've sent the same message several times. Wait a moment, or change the text."
            ),
        )


def _mentions(author: Author, mentions: int) -> Iterator[_Rule]:
    most, seconds = settings.HOLDFAST_POST_MENTIONS, settings.HOLDFAST_POST_SECONDS
    if most and mentions and author.is_limited and is_shared():
        yield _Rule(
            "account_mentions",
            most,
            (Count(f"mentions:{author.user_id}", seconds, most // LOCAL_PART, mentions),),
            RateLimited("You're mentioning too many people. Wait a moment."),
        )


def _text(author: Author, body: str) -> Iterator[_Rule]:
    most: int = settings.HOLDFAST_SAME_TEXTS
    if not (most and author.is_new):
        return
    text = same_text(body)
    yield _over_all(
        "same_text",
        most * SHORT_TIMES if text.is_short else most,
        f"text:{text.digest}",
        author,
        TooSimilar("Several new accounts have just sent this text. Change it and send it again."),
    )


def _links(author: Author, html: str, before: Message | None) -> Iterator[_Rule]:
    if not author.is_new:
        return
    error = TooSimilar(
        "Several new accounts have just sent this link. Remove it and send your message again."
    )
    for link in same_links(html, but=links(before.html) if before else ()):
        for name, most, seen in (
            ("same_link", settings.HOLDFAST_SAME_LINKS, link.address),
            ("same_host", settings.HOLDFAST_SAME_HOSTS, link.host),
        ):
            if most:
                yield _over_all(name, most, f"{name}:{seen}", author, error)


def _over_all(rule: str, most: int, name: str, author: Author, error: HoldfastError) -> _Rule:
    seconds = settings.HOLDFAST_SAME_SECONDS
    # The first one of this process asks nobody: most texts are never seen again.
    names = (name, f"{name}:{author.user_id}")
    return _Rule(rule, most, tuple(Count(each, seconds, ask_from=1) for each in names), error)
