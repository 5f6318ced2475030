"""Operators learn that a command for timers is not started, and which one."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone

from chat.models import Bulk
from notifications.models import Broadcast
from realtime.core import metrics
from realtime.core.monitoring import jobs
from realtime.doctor.jobs import probe
from realtime.doctor.probe_results import ProbeResult, Severity
from realtime.engine.hub import Hub
from realtime.models import Job
from tests.conftest import People

LATE = timedelta(days=3)


def overdue() -> dict[str, float]:
    return {state.job.command: state.overdue for state in jobs.states()}


def late() -> list[ProbeResult]:
    return [finding for finding in probe() if finding.level is Severity.WARN]


async def test_the_first_report_of_a_node_begins_the_wait_for_a_run(hub: Hub) -> None:
    await jobs.OverdueJobs().look()
    row = await Job.objects.aget()
    assert (row.command, row.succeeded_at) == ("retention", None)
    assert await sync_to_async(overdue)() == {
        "retention": 0,
        "bulk_resume": 0,
        "send_broadcasts": 0,
    }


async def test_a_retention_that_nobody_starts_is_late_after_two_days(hub: Hub) -> None:
    await jobs.OverdueJobs().look()
    await sync_to_async(Job.objects.update)(expected_since=Now() - LATE)
    await jobs.OverdueJobs().look()
    name = "holdfast_job_overdue_seconds"
    found = metrics.registry.get_sample_value(name, {"command": "retention"})
    assert found == pytest.approx(86_400, abs=60)
    [finding] = await sync_to_async(late)()
    assert finding.text == "retention should have run: it has waited for 72.0 hours"
    assert finding.todo.startswith("Run `manage.py retention` now")


@pytest.mark.django_db
def test_a_run_that_ends_well_is_noted_and_a_dry_run_is_not() -> None:
    Job.objects.create(command="retention", expected_since=timezone.now() - LATE)
    call_command("retention", dry_run=True)
    assert [finding.area for finding in late()] == ["jobs"]
    call_command("retention")
    assert late() == []
    assert overdue()["retention"] == 0


@pytest.mark.django_db
def test_a_run_that_failed_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("chat.services.retention.run.run", fail)
    with pytest.raises(RuntimeError):
        call_command("retention")
    assert not Job.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "is_late"),
    [
        ({"scheduled_at": timedelta(hours=-1)}, True),
        ({"scheduled_at": timedelta(minutes=-10)}, False),
        ({"scheduled_at": timedelta(hours=1)}, False),
        ({"created_at": timedelta(hours=-1)}, True),  # interrupted
        ({"created_at": timedelta(hours=-1), "finished_at": timedelta(0)}, False),
        ({"created_at": timedelta(hours=-1), "recalled_at": timedelta(0)}, False),
    ],
)
def test_a_broadcast_that_is_due_or_interrupted_waits_for_a_quarter_of_an_hour(
    change: dict[str, timedelta], is_late: bool
) -> None:
    row = Broadcast.objects.create(body="Backup tonight")
    moments = {name: timezone.now() + delta for name, delta in change.items()}
    Broadcast.objects.filter(pk=row.pk).update(**moments)
    assert bool(overdue()["send_broadcasts"]) is is_late
    call_command("send_broadcasts")
    assert overdue()["send_broadcasts"] == 0


@pytest.mark.django_db
def test_a_bulk_action_that_nobody_continues_is_late(people: People) -> None:
    bulk = Bulk.objects.create(act=Bulk.Act.DELETE, actor=people.alice)
    Bulk.objects.filter(pk=bulk.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert overdue()["bulk_resume"] == pytest.approx(3600, abs=60)
    call_command("bulk_resume")
    assert overdue()["bulk_resume"] == 0
