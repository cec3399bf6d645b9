"""`python -m benchmarks [NAME ...]`: run benchmarks (all of them by default) and print what they found."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from benchmarks import append, reaction, replay
from benchmarks.figures import Report, as_text
from hedger.cli.output import configure_logging

Benchmark = Callable[[argparse.Namespace, Path], Awaitable[Report]]


async def _reaction(options: argparse.Namespace, state_dir: Path) -> Report:
    return await reaction.run(quotes=options.quotes, state_dir=state_dir)


async def _append(options: argparse.Namespace, state_dir: Path) -> Report:
    return await append.run(state_dir=state_dir)


async def _replay(options: argparse.Namespace, state_dir: Path) -> Report:
    return await replay.run(state_dir=state_dir)


BENCHMARKS: dict[str, Benchmark] = {"append": _append, "replay": _replay, "reaction": _reaction}


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--quotes", type=int, default=150, help="quotes a side and kind that `reaction` measures")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    return options


async def _run(name: str, options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        return await BENCHMARKS[name](options, Path(folder))


def main(argv: list[str]) -> None:
    options = arguments(argv)
    configure_logging(as_json=True, level="warning")
    reports = []
    for name in options.names or BENCHMARKS:
        with asyncio.Runner() as runner:
            reports.append(runner.run(_run(name, options)))
        if not options.json:
            print(as_text(reports[-1]), end="\n\n", flush=True)
    if options.json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        found = {report.name: msgspec.to_builtins(report) for report in reports}
        print(json.dumps({"machine": machine, "benchmarks": found}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
