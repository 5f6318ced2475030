"""The commands that a timer should start: which of them nobody has started in time."""

from collections.abc import Iterator
from typing import Final

from django.db.utils import DatabaseError
from django.utils import timezone

from realtime.core.monitoring import jobs
from realtime.doctor.probe_results import Area, ProbeResult, first_line

HOUR_SECONDS: Final = 3600

area = Area("jobs")


def probe() -> Iterator[ProbeResult]:
    """Yield a finding for each job."""
    try:
        found = jobs.states()
    except DatabaseError as error:
        yield area.fail(f"cannot be read: {first_line(error)}", "Repair the database first.")
        return
    for state in found:
        yield _finding(state)


def _finding(state: jobs.JobState) -> ProbeResult:
    command = state.job.command
    if state.overdue:
        waited = state.overdue + state.job.within.total_seconds()
        return area.warn(
            f"{command} should have run: it has waited for {waited / HOUR_SECONDS:.1f} hours",
            f"Run `manage.py {command}` now, and let a timer start it (nginx/systemd has some).",
        )
    if state.job.waiting_since:
        return area.ok(f"{command} has nothing to do" if not state.since else f"{command} is due")
    if state.since is None:
        return area.ok(f"{command} is awaited when the first node has started")
    age = (timezone.now() - state.since).total_seconds() / HOUR_SECONDS
    return area.ok(f"{command}: {age:.1f} hours since its last run, or since the site began")
