"""``make bench``, ``make bench-quick`` and ``make bench-guard``."""

import argparse
import shutil
import sys

from tests.bench import guard, record
from tests.bench.cells import CELLS
from tests.bench.run import Result, run
from tests.bench.servers import VAR

RUNS = 5


def main(arguments: list[str]) -> int:
    """Run the cells that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure Holdfast beside others, on the same work.",
    )
    parser.add_argument(
        "--cell", default="", help=f"only these, separated by commas: {', '.join(CELLS)}"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=0,
        help=f"alternating runs of each contender (default {RUNS}, quick 1)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two minutes: fewer cells, less work, one run, nothing recorded",
    )
    parser.add_argument(
        "--guard", action="store_true", help="a quick run, compared with the recorded one"
    )
    options = parser.parse_args(arguments)
    quick = options.quick or options.guard
    names = [name for name in options.cell.split(",") if name] or [
        name for name, cell in CELLS.items() if cell.quick or not quick
    ]
    unknown = [name for name in names if name not in CELLS]
    if unknown:
        parser.error(f"there is no cell {', '.join(unknown)}; there are {', '.join(CELLS)}")
    shutil.rmtree(VAR / "runs", ignore_errors=True)
    where = record.environment()
    results: list[Result] = []
    for name in names:
        results.append(run(CELLS[name], runs=options.runs or (1 if quick else RUNS), quick=quick))
        sys.stdout.write(f"{record.printed(results[-1])}\n")
        sys.stdout.flush()
        if not quick:  # at once: a later cell may be interrupted
            record.write(record.DOCS, record.as_json(results, where, quick=False), results)
    if options.guard:
        words, good = guard.compare(record.as_json(results, where, quick=True))
        sys.stdout.write("\n".join([*words, ""]))
        return 0 if good else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
