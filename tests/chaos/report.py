"""The report of a run, for people."""

from collections.abc import Iterable, Sequence

from tests.chaos.bounds import LOADED, Bounds
from tests.chaos.checker import Verdict, quantile
from tests.chaos.history import History
from tests.chaos.slowness import OWN, Slow


def report(history: History, verdict: Verdict, facts: dict[str, object]) -> str:
    """Put a run into words: what was promised and kept, how fast, and what each fault cost."""
    lines = [f"{name:<14} {value}" for name, value in facts.items()]
    lines += ["", *_totals(history, verdict), "", *_faults(history, verdict), "", *_memory(history)]
    lines += ["", _slowness(verdict)]
    lines += [
        "",
        "Good: every promise was kept." if verdict.good else "NOT GOOD:",
        *(f"  {words}" for words in verdict.words()),
    ]
    return "\n".join(lines) + "\n"


def _slowness(verdict: Verdict) -> str:
    words = f"the machine   everything took {verdict.slowness:.1f} times as long as on an idle one"
    if verdict.too_slow:
        return f"{words}: TOO SLOW to judge times; they were not judged"
    if verdict.slowness > OWN:
        return f"{words}; a run of its own has {OWN:g}, so the bounds are wider"
    return words


def _totals(history: History, verdict: Verdict) -> Iterable[str]:
    repeated = sum(post.repeats > 0 for post in history.posts.values())
    closings = sum(len(client.closings) for client in history.clients)
    stored = sum(map(len, history.stored.values()))
    yield (
        f"acknowledged   {verdict.acknowledged} messages ({repeated} had to be sent more than "
        f"once), {stored} stored"
    )
    yield f"received       {verdict.deliveries} times, over {closings} lost connections"
    yield (
        f"removed        {sum(stay.end_seq is not None for stay in history.stays)} from rooms, "
        f"{len(history.bans)} banned"
    )
    if history.lost:
        numbers = ", ".join(f"{post.room}/{post.number}" for post in history.lost)
        yield (
            f"not on standby {len(history.lost)} messages, acknowledged by an old primary alone "
            f"(room/number): {numbers}"
        )
    yield "   ".join(f"{kind} {verdict.count(kind)}" for kind in verdict.breaches)
    yield (
        f"delivery lag   {_quantiles(verdict.seen)} (from the sending to each client; messages "
        f"that were sent once)"
    )
    yield f"  while calm   {_quantiles(verdict.calm_seen)}"
    yield f"  acknowledged {_quantiles(verdict.lags)} (from the acknowledgement; all messages)"


def _faults(history: History, verdict: Verdict) -> Iterable[str]:
    bounds = Bounds(history.faults, slow=Slow(history.slowness))
    yield (
        f"{'fault':<80} times   level after (median, max)   owed (x{LOADED:g} here)   slowest "
        f"message"
    )
    names = sorted({fault.name for fault in history.faults})
    for name in names:
        faults = [fault for fault in history.faults if fault.name == name]
        took = sorted(fault.level_after for fault in faults if fault.level_after is not None)
        never = len(faults) - len(took)
        mark = (
            ""
            if all(map(bounds.level_in_time, faults))
            else "  LATE" + (f", never {never} times" if never else "")
        )
        times = f"{quantile(took, 0.5):>6.2f} s {quantile(took, 1):>6.2f} s"
        slowest = max(
            lag for place, lag in verdict.slowest.items() if history.faults[place].name == name
        )
        yield (
            f"{name:<80} {len(faults):>5}         {times}           {faults[0].bound:>5.1f} s      "
            f"  {slowest:>6.2f} s{mark}"
        )


def _memory(history: History) -> Iterable[str]:
    lives: dict[tuple[str, int], list[int]] = {}
    for sample in history.memory:
        lives.setdefault((sample.program, sample.pid), []).append(sample.bytes)
    yield "memory in MiB, first and last of each life of a process (seconds)"
    for program in sorted({program for program, _ in lives}):
        words = [
            f"{_mib(held[0])}-{_mib(held[-1])} ({len(held)} s)"
            for (name, _), held in lives.items()
            if name == program
        ]
        yield f"  {program:<12} {', '.join(words)}"


def _mib(held: int) -> int:
    return round(held / 2**20)


def _quantiles(lags: Sequence[float]) -> str:
    if not lags:
        return "of no message"
    return (
        f"p50 {quantile(lags, 0.5) * 1000:.0f} ms   p99 {quantile(lags, 0.99) * 1000:.0f} ms   max "
        f"{quantile(lags, 1) * 1000:.0f} ms"
    )
