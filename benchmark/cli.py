"""The command line. Imports nothing heavy until a command needs it, so that help and typos answer at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from benchmark import __version__
from benchmark.errors import BenchError, UsageError, did_you_mean

INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 some run failed, 2 usage, 3 an invalid record, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
            raise UsageError(f"no command {arguments[0]!r}: {did_you_mean(arguments[0], COMMANDS)}")
        options = _parser().parse_args(arguments)
        if options.plugins:
            from benchmark.plugins import look_in

            look_in(options.plugins)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except BenchError as error:
        _say(f"benchmark: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say("benchmark: interrupted; finished rounds are kept, the same command goes on from there")
        return INTERRUPTED
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="benchmark", description="Put pruning criteria on the same audio tasks, rounds and scales.")
    parser.add_argument("--version", action="version", version=f"trimbench {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name, (add, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        add(command)
        command.add_argument(
            "--plugins",
            type=Path,
            action="append",
            default=[],
            metavar="DIR",
            help="find criteria (DIR/NAME.py) and tasks (DIR/NAME/) here too; may be given several times",
        )
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", required=True, help="names with commas between, or 'all'")
    parser.add_argument("--criterion", default="magnitude", help="criteria or controls with commas between, or 'all'")
    parser.add_argument("--no-controls", action="store_true", help="only what --criterion names")
    parser.add_argument("--profile", default="quick", help="smoke (seconds), quick (minutes; default) or full")
    parser.add_argument("--seeds", default="0,1,2", help="whole numbers with commas between (default 0,1,2)")
    parser.add_argument("--data", help="data set (default: the task's first)")
    parser.add_argument("--data-home", type=Path, help="folder where the data set lies")
    parser.add_argument("--jobs", type=int, help="processes at a time (default: one a core)")
    parser.add_argument("--redo", default="missing", help="missing (default), stale, failed or all")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.add_argument("--dry-run", action="store_true", help="say what would run, about how long, and stop")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from benchmark.run_command import run

    return run(options)


def _prepare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", required=True, help="names with commas between, or 'all'")
    parser.add_argument("--data", help="data set (default: the task's first)")
    parser.add_argument("--data-home", type=Path, help="folder where the data set lies, or shall be downloaded to")
    parser.add_argument("--profile", default="quick", help="smoke, quick (default) or full")
    parser.add_argument("--seeds", default="0,1,2", help="whole numbers with commas between (default 0,1,2)")
    parser.add_argument("--missing", type=Path, metavar="FILE", help="write every missing file's name into FILE")
    parser.set_defaults(command=_prepare)


def _prepare(options: argparse.Namespace) -> int:
    from benchmark.prepare_command import prepare

    return prepare(options)


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", help="tasks, criteria, data or boards (default: tasks and criteria)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    from benchmark.showing import listing

    _print(listing(options.what, options.json))
    return 0


def _show_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a task, a criterion or a control")
    parser.set_defaults(command=_show)


def _show(options: argparse.Namespace) -> int:
    from benchmark.showing import card

    _print(card(options.name))
    return 0


def _env_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_env)


def _env(options: argparse.Namespace) -> int:
    import json

    from benchmark.environment import environment

    _print(json.dumps(environment(), indent=2, sort_keys=True))
    return 0


def _leaderboard_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 3 unless it is what the records give")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write every net of every run as a row of FILE")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the page with its plots as one HTML FILE")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="also write a plot of every table into DIR")
    parser.set_defaults(command=_leaderboard)


def _leaderboard(options: argparse.Namespace) -> int:
    from benchmark import leaderboard

    if options.check:
        leaderboard.check(options.results)
        _print(f"{leaderboard.path_of(options.results)} is what {options.results} gives")
    else:
        _print(f"wrote {leaderboard.write(options.results)}")
    if options.csv:
        leaderboard.write_csv(options.results, options.csv)
        _print(f"wrote {options.csv}")
    if options.html:
        leaderboard.write_html(options.results, options.html)
        _print(f"wrote {options.html}")
    if options.figures:
        for path in leaderboard.write_figures(options.results, options.figures):
            _print(f"wrote {path}")
    return 0


def _of(module: str) -> Callable[[argparse.ArgumentParser], None]:
    """Options of a command that is a module of its own."""

    def add(parser: argparse.ArgumentParser) -> None:
        import importlib

        importlib.import_module(module).add(parser)

    return add


COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "run": (_run_options, "measure criteria and their controls on tasks; goes on where it was broken off"),
    "prepare": (_prepare_options, "render, download and decode data ahead, and say what is missing"),
    "list": (_list_options, "what tasks, criteria, data and boards there are"),
    "show": (_show_options, "the card of a task or criterion"),
    "env": (_env_options, "this machine and the versions in use"),
    "new": (_of("benchmark.new_command"), "a skeleton of a criterion or a task that works as it is"),
    "check": (_of("benchmark.check_command"), "a criterion or task through everything that the harness will ask of it"),
    "verify": (_of("benchmark.verify_command"), "recompute records: shapes, costs, budgets, scores, weights and data"),
    "renew": (_of("benchmark.renew_command"), "make stale records current whose rounds come out the same again"),
    "compare": (_of("benchmark.compare_command"), "two methods, paired, with intervals, task by task and over all"),
    "fit": (_of("benchmark.hardware.fit_command"), "whether the nets of a record, or the best of a task, fit boards"),
    "export": (_of("benchmark.hardware.export_command"), "a net of a record as ONNX, as C or as an Arduino sketch"),
    "emulate": (_of("benchmark.hardware.emulate_command"), "run a net of a record on a board's emulator"),
    "leaderboard": (_leaderboard_options, "make leaderboard.md from the records"),
}


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
