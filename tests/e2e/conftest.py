"""Hedger processes of these tests start dozens of times: their compiled modules are kept in a folder of the run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the processes started from here keep their bytecode, whatever this run's own environment says of it."""
    folder = tmp_path_factory.mktemp("compiled")
    kept = os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    yield folder
    del os.environ["PYTHONPYCACHEPREFIX"]
    if kept is not None:
        os.environ["PYTHONDONTWRITEBYTECODE"] = kept
