"""Commands that something outside has to start: retention, scheduled broadcasts and others.

A timer that was never installed, or that fails every night, shows nowhere: the site works, and
keeps what it should have removed. Every process measures how late each of these jobs is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models.functions import Now
from django.utils import timezone

from realtime.core import metrics
from realtime.core.database import read
from realtime.core.writer import writer
from realtime.models import Job

LOOK_SECONDS: Final = 60.0  # between two looks of a process: a few small queries

# Since when the oldest work waits for a run, or None if none does.
WaitingSince = Callable[[], datetime | None]


@dataclass(frozen=True, slots=True)
class ExpectedJob:
    """``within``: how long work may wait. ``waiting_since`` None: a run is always expected."""

    command: str
    within: timedelta
    waiting_since: WaitingSince | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """``since``: of the oldest work, or of the last run. ``overdue``: seconds beyond the limit."""

    job: ExpectedJob
    since: datetime | None
    overdue: float


_expected: dict[str, ExpectedJob] = {}


def expect(command: str, *, within: timedelta, waiting_since: WaitingSince | None = None) -> None:
    """Declare a job; called from ``AppConfig.ready``."""
    _expected[command] = ExpectedJob(command, within, waiting_since)


def succeeded(command: str) -> None:
    """Note that a run has ended well."""
    Job.objects.update_or_create(command=command, defaults={"succeeded_at": Now()})


def states() -> list[JobState]:
    """Return how late each job is. One that never ran counts from when a node first expected it."""
    now = timezone.now()
    found = []
    for job in _expected.values():
        since = job.waiting_since() if job.waiting_since else _last_run(job.command)
        overdue = 0.0 if since is None else (now - since - job.within).total_seconds()
        found.append(JobState(job, since, max(0.0, overdue)))
    return found


def _last_run(command: str) -> datetime | None:
    row = Job.objects.filter(command=command).first()
    return (row.succeeded_at or row.expected_since) if row else None


def _begin() -> None:
    """Let the wait of the jobs begin that no process expected before."""
    commands = [job.command for job in _expected.values() if not job.waiting_since]
    if Job.objects.filter(command__in=commands).count() < len(commands):
        Job.objects.bulk_create([Job(command=each) for each in commands], ignore_conflicts=True)


class OverdueJobs:
    """Keeps the metric of this process."""

    def __init__(self) -> None:
        self._look_at = 0.0  # monotonic

    async def look(self) -> None:
        """Look, at most once a minute. Raises ``Unavailable``."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        await writer().run(_begin)
        for state in await read(states):
            metrics.job_overdue_seconds.labels(state.job.command).set(state.overdue)
