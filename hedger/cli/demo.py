"""`hedger demo`: a whole local world with the hedger trading in it."""

import importlib.util
import subprocess
import sys

import typer


def demo(context: typer.Context) -> None:
    """Start a local chain, contract, oracle and exchange, trade quotes of every kind, end with the validator's verdict.

    Takes the options of the local world: --json, --seed, --keep; with --chaos, everything is drawn from the seed for
    --minutes, with all that can go wrong. The world is reached over RPC and HTTP only, in processes of its own.
    """
    if importlib.util.find_spec("devnet") is None:
        raise typer.BadParameter("the local world is part of the source checkout; this installation lacks it")
    raise typer.Exit(subprocess.run([sys.executable, "-m", "devnet", "demo", *context.args], check=False).returncode)
