"""The pure comparison of what a process knows with what the database shows."""

from typing import Any

import pytest

from realtime.protocol.history import (
    WAL_MARGIN_BYTES,
    Finding,
    KnownHistory,
    ObservedHistory,
    Reported,
    ServerState,
)

SERVER = ServerState("7001", 1, "monday", flushed=1_000_000, checkpoint=900_000)
OBSERVED = ObservedHistory(3, "e-3", "7001", 1, SERVER, reports=5)


@pytest.fixture
def known() -> KnownHistory:
    history = KnownHistory()
    history.adopt(OBSERVED)
    return history


def judge(
    known: KnownHistory,
    observed: ObservedHistory,
    *,
    reported: int = 5,
    may_be_forgotten: bool = False,
) -> Finding:
    return known.judge(observed, Reported(reported), may_be_forgotten=may_be_forgotten).finding


def on(**changes: Any) -> ObservedHistory:
    """The same, on a server that differs."""
    return OBSERVED._replace(server=SERVER._replace(**changes))


def test_nothing_has_changed(known: KnownHistory) -> None:
    assert judge(known, OBSERVED) is Finding.SAME
    assert judge(known, OBSERVED._replace(reports=None), reported=0) is Finding.SAME


def test_someone_has_changed_the_epoch(known: KnownHistory) -> None:
    assert judge(known, OBSERVED._replace(number=4, epoch="e-4")) is Finding.NEW_EPOCH


def test_an_older_epoch_is_proof_even_with_a_known_name(known: KnownHistory) -> None:
    assert judge(known, OBSERVED._replace(number=2, epoch="e-2")) is Finding.REWOUND


@pytest.mark.parametrize("changes", [{"timeline": 2}, {"system": "7002"}])
def test_another_identity(known: KnownHistory, changes: dict[str, object]) -> None:
    assert judge(known, on(**changes)) is Finding.OTHER_SERVER
    assert on(**changes).is_of_other_server


def test_a_server_that_cannot_tell_has_no_other_identity(known: KnownHistory) -> None:
    assert judge(known, on(system="", timeline=None)) is Finding.SAME


def test_an_identity_is_filled_in_where_the_server_has_one() -> None:
    assert OBSERVED.has_identity
    assert not OBSERVED._replace(system="").has_identity
    assert not OBSERVED._replace(timeline=None).has_identity
    assert OBSERVED._replace(system="", timeline=None, server=ServerState()).has_identity


def test_fewer_reports_are_proof(known: KnownHistory) -> None:
    assert judge(known, OBSERVED._replace(reports=4)) is Finding.REWOUND
    assert judge(known, OBSERVED._replace(reports=None)) is Finding.REWOUND


def test_a_row_that_may_have_been_deleted_is_a_doubt(known: KnownHistory) -> None:
    gone = OBSERVED._replace(reports=None)
    assert judge(known, gone, may_be_forgotten=True) is Finding.DOUBTFUL


def test_a_restart_is_a_doubt(known: KnownHistory) -> None:
    assert known.is_other_instance(on(instance="tuesday"))
    restarted = on(instance="tuesday", checkpoint=1_000_000)
    assert judge(known, restarted) is Finding.DOUBTFUL
    assert judge(known, on(instance="tuesday", checkpoint=None)) is Finding.DOUBTFUL
    # After a crash, the last record may be incomplete.
    cut = on(instance="tuesday", checkpoint=1_000_000 - WAL_MARGIN_BYTES)
    assert judge(known, cut) is Finding.DOUBTFUL


def test_a_log_that_ends_below_the_one_seen_is_proof(known: KnownHistory) -> None:
    later = on(flushed=2_000_000)
    assert judge(known, later) is Finding.SAME
    assert judge(known, on(instance="tuesday", checkpoint=1_000_000)) is Finding.REWOUND
