"""Seeded walks through the small world."""

from collections.abc import Callable
from random import Random

from tests.protocol.database import TABLES
from tests.protocol.world import IDENTS, World


def wander(seed: int, steps: int = 250) -> list[str]:
    """Let anything happen for a while; return what is wrong in the end."""
    return walk(World(), Random(seed), steps, {})


def walk(
    world: World, random: Random, steps: int, more: dict[Callable[[], None], int]
) -> list[str]:
    """Do the same in a world where ``more`` can happen, each with its weight."""
    loss = random.choice((0, 5, 25, 100))  # the broker of this walk: good, ordinary, bad, or gone
    reading = random.choice((8, 30))  # a database that is slow, or not
    # So few changes that most of them find everyone level, or so many that few do.
    pace = random.choice((8, 20))

    def copies() -> list[int]:
        return [
            random.choices((0, 1, 2), (loss, 65, 10) if loss < 100 else (1, 0, 0))[0]
            for _ in world.nodes
        ]

    def change() -> None:
        world.change(
            random.choice(TABLES),
            random.randrange(IDENTS),
            delete=random.random() < 0.1,
            copies=copies(),
        )

    def place() -> int:
        return random.randrange(60)

    weights: dict[Callable[[], None], int] = {
        change: pace,
        lambda: world.deliver(place()): 22,
        lambda: world.read(place()): reading,
        lambda: world.repair(place()): 4,
        lambda: world.check_head(place()): 3,
        lambda: world.flush(place(), took=random.random() / 4): 15,
        lambda: world.send_command(place()): 20,
        lambda: world.read_frame(place()): 25,
        lambda: world.cut_or_connect(place(), place()): 5,
        lambda: world.load_snapshot(place()): 2,
        lambda: world.remove(place() % IDENTS, copies=copies()): 1,
        **more,
    }
    for act in random.choices(list(weights), list(weights.values()), k=steps):
        act()
    return world.come_to_rest()
