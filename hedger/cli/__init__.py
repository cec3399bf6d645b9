"""The command line. `hedger --help` lists the commands; every one has `--json`."""

from hedger.cli.app import app, main

__all__ = ["app", "main"]
