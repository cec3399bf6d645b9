"""What commands print for programs arrives whole."""

import json
import os
import subprocess
import sys

BIG = 500_000
PROGRAM = f"from hedger.cli.output import print_json; print_json('x' * {BIG})"


def test_a_document_larger_than_a_pipe_holds_arrives_whole_where_python_does_not_buffer() -> None:
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    printed = subprocess.run([sys.executable, "-c", PROGRAM], env=unbuffered, stdout=subprocess.PIPE, check=True)
    assert json.loads(printed.stdout) == "x" * BIG
