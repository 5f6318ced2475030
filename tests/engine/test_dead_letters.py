"""Operators learn of rows that could not be numbered."""

import pytest

from realtime.core import metrics
from realtime.core.monitoring import node_reports
from realtime.doctor import database
from realtime.doctor.probe_results import Severity
from realtime.models import DeadLetter

pytestmark = pytest.mark.django_db


def warnings() -> list[str]:
    """Return what the doctor has to say of rows without a number."""
    return [
        f"{finding.text} {finding.todo}"
        for finding in database.probe()
        if finding.level is Severity.WARN and "numbered" in finding.text
    ]


def counted() -> float | None:
    node_reports._count()
    return metrics.registry.get_sample_value("holdfast_dead_letters")


def test_a_site_without_them_hears_nothing() -> None:
    assert (warnings(), counted()) == ([], 0)


def test_the_doctor_names_the_last_reason_and_the_metric_counts_them() -> None:
    for key in ("1", "2"):
        DeadLetter.objects.create(
            stream="orders.7", relation="orders_order", key=key, reason=f"no column of row {key}"
        )
    [warning] = warnings()
    assert "2 changed rows" in warning
    assert "the last in orders_order: no column of row 2" in warning
    assert "realtime_deadletter" in warning
    assert counted() == 2
