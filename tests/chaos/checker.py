"""The checker: reads a history and says what was promised and not kept.

Pure: no socket, no clock.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.bounds import LOADED, REVOKED_SECONDS, Bounds
from tests.chaos.history import Client, Deletion, Fault, History, Memory, Post, Receipt, Row, Stay
from tests.chaos.slowness import TOO_SLOW, Slow

# The growth of a node that is allowed after warm-up: tails, presence, the allocator's reserve.
FLAT_BYTES = 48 * 1024 * 1024
WARM_SECONDS = 10.0  # in which a node that was just started fills its tails
MAX_NAMED = 5  # breaches of one kind that are written out
AFTERWARDS = float("inf")
TAKEN_FOR_DEAD = 3.0


@dataclass(slots=True)
class Verdict:
    """The result. ``breaches`` by kind; the run is good when there are none."""

    breaches: dict[str, list[str]] = field(default_factory=dict)
    acknowledged: int = 0
    deliveries: int = 0
    # Seconds, sorted: from the acknowledgement to each client.
    lags: list[float] = field(default_factory=list)
    # The same, from the sending, of messages that had to be sent only once.
    seen: list[float] = field(default_factory=list)
    # The same, of messages to which nothing happened.
    calm_seen: list[float] = field(default_factory=list)
    # How much longer everything took than on an idle machine.
    slowness: float = 1.0
    # Fault, by its place in the history → the longest lag while it lasted.
    slowest: dict[int, float] = field(default_factory=dict)

    @property
    def too_slow(self) -> bool:
        """Whether the machine was too slow, for most of the run, to judge times."""
        return self.slowness > TOO_SLOW

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.breaches.values())

    def count(self, kind: str) -> int:
        """How many breaches of this kind there were."""
        return len(self.breaches[kind])

    def words(self) -> list[str]:
        """The breaches, the first of each kind written out."""
        lines = []
        for kind, found in self.breaches.items():
            lines += [f"{kind}: {words}" for words in found[:MAX_NAMED]]
            if len(found) > MAX_NAMED:
                lines.append(f"{kind}: and {len(found) - MAX_NAMED} more")
        return lines


def judge(history: History, factor: float = LOADED) -> Verdict:
    """Hold a history against every promise."""
    bounds = Bounds(history.faults, factor, Slow(history.slowness))
    verdict = Verdict({kind: list(check(history, bounds)) for kind, check in CHECKS.items()})
    verdict.slowness = bounds.slow.median
    verdict.acknowledged = sum(1 for _ in history.acknowledged())
    verdict.deliveries = sum(len(client.receipts) for client in history.clients)
    worst: dict[float, float] = {}  # acknowledged at → longest lag
    for _, post, lag, seen in _lags(history):
        assert post.acked is not None
        worst[post.acked] = max(lag, worst.get(post.acked, 0.0))
        verdict.lags.append(lag)
        if not post.repeats:
            verdict.seen.append(seen)
            if bounds.calm(post.acked):
                verdict.calm_seen.append(seen)
    for found in (verdict.lags, verdict.seen, verdict.calm_seen):
        found.sort()
    for place, fault in enumerate(history.faults):
        end = bounds.settled(fault)
        verdict.slowest[place] = max(
            (lag for acked, lag in worst.items() if fault.begun <= acked <= end), default=0.0
        )
    return verdict


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value below which ``part`` of an ordered sequence lies; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


# Nothing acknowledged is lost ---------------------------------------------------------------------


def lost(history: History, bounds: Bounds) -> Iterable[str]:
    """The database and every entitled client have exactly the acknowledged messages."""
    deleted = {deletion.ident for deletion in history.deletions}
    for post, _ in history.acknowledged():
        row = history.stored.get(post.room, {}).get(post.ident)
        if row is None:
            yield f"message {post.ident} of room {post.room} was acknowledged and is not stored"
        elif row.key != post.key and post.ident not in deleted:
            yield (
                f"message {post.ident} was acknowledged as {post.key} and holds "
                f"{row.key or 'nothing'}"
            )
    for client in history.clients:
        for room, rows in client.finals.items():
            yield from _differences(client, room, rows, history.stored.get(room, {}))


def _differences(
    client: Client, room: int, rows: dict[int, Row], stored: dict[int, Row]
) -> Iterable[str]:
    for ident, row in stored.items():
        if ident not in rows:
            yield f"{client.name} has no message {ident} of room {room}"
        elif rows[ident] != row:
            yield (
                f"{client.name} has {rows[ident]} for message {ident} of room {room}, stored is "
                f"{row}"
            )
    for ident in rows.keys() - stored.keys():
        yield f"{client.name} has message {ident} of room {room}, which is not stored"


# Nothing comes twice ------------------------------------------------------------------------------


def duplicated(history: History, bounds: Bounds) -> Iterable[str]:
    """A post is one message, however often it was sent."""
    seen: dict[str, int] = {}
    for receipt in _all_receipts(history):
        if receipt.key and seen.setdefault(receipt.key, receipt.ident) != receipt.ident:
            yield f"{receipt.key} is both message {seen[receipt.key]} and message {receipt.ident}"
    for room, rows in history.stored.items():
        keys: dict[str, int] = {}
        for ident, row in rows.items():
            if row.key and keys.setdefault(row.key, ident) != ident:
                yield f"{row.key} is stored in room {room} as {keys[row.key]} and as {ident}"


# One order ----------------------------------------------------------------------------------------


def reordered(history: History, bounds: Bounds) -> Iterable[str]:
    """Numbers are 1 to N without holes, the same for everyone, and never go backwards."""
    for room, rows in history.stored.items():
        numbers = sorted(row.number for row in rows.values())
        if numbers != list(range(1, len(numbers) + 1)):
            missing = sorted(set(range(1, len(numbers) + 1)) - set(numbers))
            yield (
                f"room {room} has {len(numbers)} messages and lacks the numbers "
                f"{missing[:MAX_NAMED]}"
            )
    numbered: dict[int, int] = {}
    for receipt in _all_receipts(history):
        if numbered.setdefault(receipt.ident, receipt.number) != receipt.number:
            yield (
                f"message {receipt.ident} has the numbers {numbered[receipt.ident]} and "
                f"{receipt.number}"
            )
    for post, _ in history.acknowledged():
        if numbered.setdefault(post.ident, post.number) != post.number:
            yield (
                f"message {post.ident} was acknowledged with number {post.number} and has "
                f"{numbered[post.ident]}"
            )
    originals = {post.ident: post.seq for post, _ in history.acknowledged()}
    for client in history.clients:
        yield from _disorder(client, originals)


def _disorder(client: Client, originals: dict[int, int]) -> Iterable[str]:
    newest: dict[tuple[int, int], int] = {}  # (room, copy) → seq
    number: dict[tuple[int, int], int] = {}
    known: set[tuple[int, int, int, int]] = set()
    for receipt in client.receipts:
        place = receipt.room, receipt.copy
        state = (*place, receipt.ident, receipt.seq)
        if state in known or not receipt.applied:
            continue  # a repeat, which changes nothing
        known.add(state)
        if receipt.seq <= newest.get(place, 0):
            yield (
                f"{client.name} got change {receipt.seq} of room {receipt.room} after "
                f"{newest[place]}"
            )
        newest[place] = max(newest.get(place, 0), receipt.seq)
        # Not changed since it was posted, so shown in its place.
        if originals.get(receipt.ident) == receipt.seq:
            if receipt.number <= number.get(place, 0):
                yield (
                    f"{client.name} got number {receipt.number} of room {receipt.room} after "
                    f"{number[place]}"
                )
            number[place] = max(number.get(place, 0), receipt.number)


# Nobody receives what they may not ----------------------------------------------------------------


def invented(history: History, bounds: Bounds) -> Iterable[str]:
    """Nothing comes that nobody posted."""
    for receipt in _all_receipts(history):
        if not receipt.key:
            continue
        post = history.posts.get(receipt.key)
        if post is None or post.room != receipt.room or post.author != receipt.author:
            yield (
                f"message {receipt.ident} of room {receipt.room} by {receipt.author} was posted by "
                f"nobody: {receipt.key}"
            )
    for room, rows in history.stored.items():
        for ident, row in rows.items():
            if row.key and row.key not in history.posts:
                yield (
                    f"message {ident} of room {room} is stored and was posted by nobody: {row.key}"
                )


def leaked(history: History, bounds: Bounds) -> Iterable[str]:
    """Messages reach only the clients that may read them, while they may."""
    stays = _stays(history)
    for client in history.clients:
        for receipt in client.receipts:
            place = client.user, receipt.room
            if (receipt.room in history.guarded or place in stays) and not _allowed(
                stays.get(place, []), bounds, receipt
            ):
                yield (
                    f"{client.name} got message {receipt.ident} of room {receipt.room} (seq "
                    f"{receipt.seq}) without the right to"
                )
        for ban in (ban for ban in history.bans if ban.user == client.user):
            late = [
                receipt
                for receipt in client.receipts
                if receipt.at > bounds.deadline(ban.acked, REVOKED_SECONDS)
            ]
            if late:
                yield (
                    f"{client.name} got {len(late)} messages, {late[-1].at - ban.acked:.2f} s "
                    f"after the ban"
                )


def _stays(history: History) -> dict[tuple[int, int], list[Stay]]:
    found: dict[tuple[int, int], list[Stay]] = {}
    for stay in history.stays:
        found.setdefault((stay.user, stay.room), []).append(stay)
    return found


def _allowed(stays: Sequence[Stay], bounds: Bounds, receipt: Receipt) -> bool:
    for stay in stays:
        if receipt.at < stay.asked:
            continue
        if receipt.at <= stay.end_asked:
            return True
        # Not yet taken away for sure, or just now; but nothing of what came after the removal, not
        # even early.
        if receipt.at <= bounds.deadline(stay.end_acked, REVOKED_SECONDS) and (
            stay.end_seq is None or receipt.seq < stay.end_seq
        ):
            return True
    return False


def undeleted(history: History, bounds: Bounds) -> Iterable[str]:
    """A text is sent to nobody once its deletion was acknowledged and could be known everywhere."""
    deletions = {deletion.ident: deletion for deletion in history.deletions}
    for client in history.clients:
        for receipt in client.receipts:
            deletion = deletions.get(receipt.ident)
            if deletion is None or not receipt.key or _was_stalled(client, receipt.at):
                continue
            if receipt.seq >= deletion.seq or receipt.at > bounds.deadline(deletion.acked):
                yield (
                    f"{client.name} got the text of message {receipt.ident}, "
                    f"{_since(deletion, receipt)} after its deletion"
                )


def _since(deletion: Deletion, receipt: Receipt) -> str:
    return f"{receipt.at - deletion.acked:.2f} s"


def _was_stalled(client: Client, at: float) -> bool:
    """Whether data read at ``at`` may have waited in a buffer on its way."""
    return any(start <= at <= end for start, end in client.stalls)


# In time ------------------------------------------------------------------------------------------


def late(history: History, bounds: Bounds) -> Iterable[str]:
    """Every message reaches every client within the bound of the current fault.

    All clients are level after each fault.
    """
    for client, post, lag, _ in _lags(history):
        assert post.acked is not None
        if post.acked + lag > bounds.deadline(post.acked) and not bounds.slow.hides(post.acked):
            owed = bounds.deadline(post.acked) - post.acked
            yield (
                f"{client.name} got message {post.ident} after {lag:.2f} s, owed within {owed:.2f} "
                f"s"
            )
    for fault in history.faults:
        if not bounds.level_in_time(fault) and not bounds.slow.hides(fault.begun):
            took = "never" if fault.level_after is None else f"after {fault.level_after:.2f} s"
            yield f"after {fault.name!r} everyone was level {took}, owed within {fault.bound:g} s"


def _lags(history: History) -> Iterable[tuple[Client, Post, float, float]]:
    """The delivery times of acknowledged messages, from acknowledgement and from sending."""
    posts = {post.ident: post for post, _ in history.acknowledged()}
    stays = _stays(history)
    for client in history.clients:
        if client.hostile or any(ban.user == client.user for ban in history.bans):
            continue
        known: set[int] = set()
        for receipt in client.receipts:
            post = posts.get(receipt.ident)
            if post is None or receipt.ident in known or (client.user, receipt.room) in stays:
                continue  # who comes late to a room reads its past
            known.add(receipt.ident)
            assert post.acked is not None
            yield client, post, max(0.0, receipt.at - post.acked), receipt.at - post.asked


def cut_off(history: History, bounds: Bounds) -> Iterable[str]:
    """Harmless faults end no connection, or only in good order."""
    excused = {ban.user for ban in history.bans}
    owed = [
        client for client in history.clients if not client.hostile and client.user not in excused
    ]
    for fault in history.faults:
        if fault.closes is None or _others_cut(history, bounds, fault):
            continue
        # On a machine that is three times as slow as the limits of clients and nodes allow for,
        # they take each other for dead.
        if bounds.slow.factor(fault.begun) > TAKEN_FOR_DEAD:
            continue
        for client in owed:
            ends = [
                closing.code
                for closing in client.closings
                if fault.begun <= closing.at <= fault.over
            ]
            if unexpected := [code for code in ends if code not in fault.closes]:
                yield f"{client.name} lost its connection ({unexpected[0]}) during {fault.name!r}"


def _others_cut(history: History, bounds: Bounds, fault: Fault) -> bool:
    others = [
        other for other in history.faults if other is not fault and other.closes != fault.closes
    ]
    return any(
        other.begun <= bounds.settled(fault) and bounds.settled(other) >= fault.begun
        for other in others
    )


# Bounded ------------------------------------------------------------------------------------------


def grown(history: History, bounds: Bounds) -> Iterable[str]:
    """The memory of a process is flat, once it has warmed up."""
    for (program, pid), samples in _by_process(history).items():
        warm = [sample.bytes for sample in samples if sample.at >= samples[0].at + WARM_SECONDS]
        if len(warm) < 4:  # too short a life to say anything
            continue
        quarter = max(1, len(warm) // 4)
        growth = statistics.median(warm[-quarter:]) - statistics.median(warm[:quarter])
        if growth > FLAT_BYTES:
            yield (
                f"{program} (process {pid}) grew by {growth / 2**20:.0f} MiB to "
                f"{warm[-1] / 2**20:.0f} MiB"
            )


def _by_process(history: History) -> dict[tuple[str, int], list[Memory]]:
    found: dict[tuple[str, int], list[Memory]] = {}
    for sample in history.memory:
        found.setdefault((sample.program, sample.pid), []).append(sample)
    return found


def haunted(history: History, bounds: Bounds) -> Iterable[str]:
    """Nobody is shown as present who has gone, and nobody is overlooked."""
    for present in history.present:
        for words, users in (
            ("shows", present.said - present.there),
            ("overlooks", present.there - present.said),
        ):
            if users:
                yield f"{present.node} {words} {sorted(users)[:MAX_NAMED]}"


def broken(history: History, bounds: Bounds) -> Iterable[str]:
    """Every frame is as the protocol says."""
    for client in history.clients:
        yield from (f"{client.name}: {breach}" for breach in client.breaches)


def _all_receipts(history: History) -> Iterable[Receipt]:
    for client in history.clients:
        yield from client.receipts


Check = Callable[[History, Bounds], Iterable[str]]

CHECKS: dict[str, Check] = {
    "lost": lost,
    "duplicated": duplicated,
    "reordered": reordered,
    "invented": invented,
    "leaked": leaked,
    "undeleted": undeleted,
    "late": late,
    "cut off": cut_off,
    "grown": grown,
    "haunted": haunted,
    "broken": broken,
}
