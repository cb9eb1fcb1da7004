# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The command `tb-regloss`."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence

import rich.console
import rich.markdown
import rich.progress
import rich.text

import tb_regloss
from tb_regloss import errors, report
from tb_regloss.analysis.facts import DATA_LOSS, OPTIMIZED_LOSS, REGULARIZATION_SUM, TOTAL_LOSS
from tb_regloss.backend import checking, explained, source_files
from tb_regloss.backend.given_roles import role_tags
from tb_regloss.report import baseline, junit, markdown, sarif
from tb_regloss.report import text as report_text
from tb_regloss.report.outcome import Outcome, check_object, outcome_of

EXIT_FINE = 0
EXIT_FOUND = 1
EXIT_UNREADABLE = 2
EXIT_NO_RUN = 3
EXIT_INTERRUPTED = 130

# What makes the exit status 1, for each --fail-on.
_LOUD = {
    "error": {"error"},
    "warning": {"error", "warning"},
    "unknown": {"error", "warning", "unknown"},
    "never": set[str](),
}

_ROLE_FLAGS = {
    "--data": DATA_LOSS,
    "--regularization": REGULARIZATION_SUM,
    "--optimized": OPTIMIZED_LOSS,
    "--total": TOTAL_LOSS,
}

_DESCRIPTION = """\
Tells for every run below the given paths whether its regularization losses are
in the loss that is optimized, and proves it from the logged graph.
"""
_EPILOG = """\
PATH is a logdir, an event file, a checkpoint's .meta, or a GraphDef,
MetaGraphDef or SavedModel as .pb or .pbtxt.

exit status:
  0  nothing at or above --fail-on
  1  something is
  2  wrong use, or a PATH that cannot be read
  3  no run was found

examples:
  tb-regloss check logs
  tb-regloss check logs --run train --fail-on warning
  tb-regloss check model.ckpt-20000.meta --format json > known.json
  tb-regloss check logs --baseline known.json --format junit > regloss.xml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _explain(options) if options.command == "explain" else _check(options)
    except errors.UsageError as error:
        print(f"tb-regloss: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    except KeyboardInterrupt:
        print("tb-regloss: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tb-regloss", description=_DESCRIPTION)
    parser.add_argument(
        "--version", action="version", version=f"tb-regloss {tb_regloss.__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="is the regularization in the loss that is optimized?",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="see below")
    check.add_argument(
        "--format",
        choices=("text", *_DOCUMENTS),
        default="text",
        help="of the report on stdout (default: text)",
    )
    check.add_argument(
        "--fail-on",
        choices=tuple(_LOUD),
        default="error",
        help="the least severity that makes the exit status 1 (default: error)",
    )
    check.add_argument(
        "--baseline",
        type=_baseline,
        metavar="FILE",
        help="an earlier --format json: faults that stand in it do not make the exit status 1",
    )
    check.add_argument(
        "--debug", action="store_true", help="stack traces of faults of RegLoss on stderr"
    )
    check.add_argument(
        "--run", type=_pattern, metavar="REGEX", help="only runs whose name it is found in"
    )
    roles = check.add_argument_group(
        "losses",
        "Which scalar tag stands for which loss, in every run that logs it, where RegLoss does\n"
        "not find it by itself or finds another. Given several times: the sum of these tags.",
    )
    for flag, role in _ROLE_FLAGS.items():
        help_text = f"the {role.replace('_', ' ')}"
        roles.add_argument(flag, action="append", metavar="TAG", dest=role, help=help_text)
    explain = commands.add_parser(
        "explain",
        help="what a status means, how it is proved, what cannot be known, what to do",
    )
    words = tuple(explained.sections())
    explain.add_argument(
        "words",
        nargs="+",
        choices=words,
        metavar="WORD",
        help=f"a status, a source of evidence or a finding: {', '.join(words)}",
    )
    return parser


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def _baseline(path: str) -> baseline.Baseline:
    try:
        with open(path, "rb") as file:
            return baseline.parse(path, file.read())
    except OSError as error:
        why = error.strerror or str(error)
        raise argparse.ArgumentTypeError(f"{path!r} cannot be read: {why}") from None
    except errors.UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _explain(options: argparse.Namespace) -> int:
    console = _Console(highlight=False)
    sections = explained.sections()
    with _until_the_reader_leaves():
        for word in options.words:
            text = re.sub(r"\[(.+?)\]\(#.+?\)", r"\1", sections[word])  # Links lead nowhere here.
            console.print(rich.markdown.Markdown(text))
    return EXIT_FINE


def _check(options: argparse.Namespace) -> int:
    if not options.debug:
        # A fault of ours stands in the report, for the run it concerns; what
        # TensorBoard's readers have to say of odd files does too, in our words.
        for name in ("tb_regloss", "tensorboard"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    given = {role: getattr(options, role) for role in _ROLE_FLAGS.values()}
    said = role_tags({role: tags for role, tags in given.items() if tags}, "the command line")
    with _progress() as progress:
        checked = checking.check(options.paths, options.run, progress, said)
    found = outcome_of(
        options.paths,
        checked.runs,
        checked.problems,
        checked.unreadable,
        loud=_LOUD[options.fail_on],
        baseline=options.baseline,
    )
    _print(found, options.format)
    if found.unreadable:
        return EXIT_UNREADABLE
    if not found.runs:
        return EXIT_NO_RUN
    return EXIT_FOUND if any(one.fails for one in found.runs) else EXIT_FINE


@contextlib.contextmanager
def _progress() -> Iterator[checking.Progress | None]:
    """Shows a bar on a terminal's stderr; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.completed}/{task.total}"),
        rich.progress.BarColumn(),
        rich.progress.TextColumn("{task.description}", markup=False),
    )
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, label: str) -> None:
            bar.update(task, completed=done, total=total, description=label)

        yield progress


def _json(found: Outcome) -> str:
    return report.to_json(check_object(found), indent=2) + "\n"


def _sarif(found: Outcome) -> str:
    # Code scanning needs paths below the checkout's root, where CI runs commands.
    files = source_files.below(os.curdir, sarif.source_names(found))
    return report.to_json(sarif.document(found, files, explained.sections()), indent=2) + "\n"


# The formats that are written whole.
_DOCUMENTS: dict[str, Callable[[Outcome], str]] = {
    "json": _json,
    "junit": junit.document,
    "sarif": _sarif,
    "markdown": markdown.document,
}


def _print(found: Outcome, form: str) -> None:
    # A log file in an old encoding must not cost the report. Documents are read
    # by programs, in UTF-8 whatever the terminal's encoding is.
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = "utf-8" if form in _DOCUMENTS else None
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")
    with _until_the_reader_leaves():
        if form in _DOCUMENTS:
            sys.stdout.write(_DOCUMENTS[form](found))
        else:
            _print_text(found)


@contextlib.contextmanager
def _until_the_reader_leaves() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python would complain once more
        # when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Console(rich.console.Console):
    """A console that leaves a closed pipe to us; rich would end the program with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _print_text(found: Outcome) -> None:
    console = _Console(highlight=False, soft_wrap=True)
    width = console.width if console.is_terminal else None
    for line in report_text.lines(found, width):
        console.print(rich.text.Text(line.text, style=line.style))
