"""Long runs: `python -m tests.simulation --seeds 1000 --first 1`."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.world import simulate


def main() -> int:
    """Runs the seeds; exits with 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--counts", action="store_true", help="say at the end how often what happened")
    options = parser.parse_args()
    failed, counted, began = 0, Counter[str](), time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        report = simulate(seed)
        counted.update(report.counted)
        if report.trouble:
            failed += 1
            sys.stdout.write("\n".join([f"seed {seed}: {report.trouble}", *(f"    {line}" for line in report.trace)]))
            sys.stdout.write("\n")
            sys.stdout.flush()
    if options.counts:
        sys.stdout.write("".join(f"{count:8} {name}\n" for name, count in counted.most_common()))
    sys.stdout.write(f"{options.seeds} seeds in {time.monotonic() - began:.0f} s, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
