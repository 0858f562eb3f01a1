"""The command line: ``python -m explorer inspect | plan | train | evaluate | predict | landscape | report``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

# Before torch is loaded: idle threads must sleep, not spin, or two programs on one machine are ten times slower
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as Dask sets for workers: NumPy's matrices here are small

from explorer.cli import parsing
from explorer.errors import InputError

COMMANDS = ("inspect", "plan", "train", "evaluate", "predict", "landscape", "report")
"""Modules of ``explorer.cli``; only that of the command that is run is loaded, since most of them load torch."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0; 1 if a run diverged; 2 for bad input, which one line on stderr explains.
    """
    parser = parsing.Parser(prog="python -m explorer", description="Loss Explorer without a browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=parsing.Parser)
    given = sys.argv[1:] if arguments is None else arguments
    for name in given[:1] if given and given[0] in COMMANDS else COMMANDS:
        import_module(f"explorer.cli.{name}").add_parser(commands)
    chosen = parser.parse_args(given)
    try:
        code: int = chosen.run(chosen)
    except InputError as problem:
        return parsing.report_problem(problem)
    return code


if __name__ == "__main__":
    sys.exit(main())
