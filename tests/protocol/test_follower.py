"""The two rules of a client."""

from tests.support.follower import Action, Follower


def test_the_next_event_is_applied() -> None:
    follower = Follower(7)
    assert follower.event(8) is Action.APPLY
    assert follower.position == 8


def test_an_event_that_was_seen_is_ignored() -> None:
    follower = Follower(7)
    assert follower.event(7) is Action.IGNORE
    assert follower.position == 7


def test_an_event_after_a_gap_makes_the_client_pull() -> None:
    follower = Follower(7)
    assert follower.event(9) is Action.PULL
    assert follower.position == 7


def test_a_page_that_joins_is_applied() -> None:
    follower = Follower(7)
    assert follower.page(7, 12, 12) == (Action.APPLY, False)
    assert follower.position == 12


def test_a_page_that_is_not_the_last_makes_the_client_pull_again() -> None:
    assert Follower(7).page(5, 12, 20) == (Action.APPLY, True)


def test_an_old_page_moves_nobody_back() -> None:
    follower = Follower(7)
    assert follower.page(2, 5, 5) == (Action.APPLY, False)
    assert follower.position == 7


def test_a_page_after_a_gap_makes_the_client_pull() -> None:
    follower = Follower(7)
    assert follower.page(8, 12, 12) == (Action.PULL, True)
    assert follower.position == 7
