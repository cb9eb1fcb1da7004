# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where the values were made that a call gets, read from the source."""

from __future__ import annotations

import inspect

import pytest

from tb_regloss.summary import _argument_lines

# In no file, as if it were ours: the frame that is looked at is that of the caller.
_ours = {"of_call": _argument_lines.of_call}
exec("def log(data, penalties=(), loss=None): return of_call('log', NAMES)", _ours)
_ours["NAMES"] = ("data", "penalties", "loss")
log = _ours["log"]


MARKS = ("data", "loss", "a", "b", "0", "1")


def make(*values):
    return values


def plain():
    data = make()  # data
    with open(__file__):
        first = make()  # a
        second = make()  # b
        loss = make()
        loss += first  # loss
    return log(data, {"a": first, "b": second}, loss)


def several_lines_and_a_list():
    data = make(  # data
        1,
    )
    first = make()  # 0
    return log(
        data,
        penalties=[
            first,
            make(2),  # 1
        ],
        loss=make(),  # loss
    )


def a_name_for_the_dict():
    first = make()  # a
    penalties = {"a": first, "b": make()}  # b
    alias = penalties
    loss, data = make(1, 2)  # loss data
    return log(data, alias, loss)


def comprehension():
    data = loss = make()  # data loss
    penalties = {
        name: make(name)  # a b
        for name in "ab"
    }
    return log(data, penalties, loss)


def grown_list():
    penalties = []
    for name in "ab":
        penalties.append(make(name))  # 0 1
    data = make()  # data
    loss = data + tuple(penalties)  # loss
    return log(data, penalties, loss)


def in_a_loop():
    for step in range(2):
        data = make(step)  # data
        losses = make(data)
        found = log(data, [losses[0]], losses)
        if step:
            return found


def before_another_statement():
    data = make()  # data
    # fmt: off
    found = log(data, loss=make(data)); del data  # noqa: E702  # one line is the case
    # fmt: on
    return found


def in_a_helper():
    data = make()  # data
    first = make()  # a
    return helper(data, {"a": first}, loss=make())  # loss


def helper(data, penalties, loss):
    return log(data, penalties, loss)


@pytest.mark.parametrize(
    "program",
    [
        plain,
        several_lines_and_a_list,
        a_name_for_the_dict,
        comprehension,
        grown_list,
        before_another_statement,
        in_a_helper,
    ],
    ids=lambda program: program.__name__,
)
def test_lines(program):
    lines, start = inspect.getsourcelines(program)
    marked = {
        mark: f"test_argument_lines.py:{start + offset}"
        for offset, line in enumerate(lines)
        for mark in line.partition("  # ")[2].split()
        if mark in MARKS
    }
    found = program()
    keys = {"a": "a", "b": "b", "0": 0, "1": 1}
    for mark, line in marked.items():
        key = keys.get(mark)
        assert (found.of(mark) if key is None else found.of("penalties", key)) == line, mark


def test_part_of_what_a_function_returned():
    lines, start = inspect.getsourcelines(in_a_loop)
    (offset,) = [at for at, line in enumerate(lines) if "losses = " in line]
    found = in_a_loop()
    assert found.of("penalties", "a name", 0) == f"test_argument_lines.py:{start + offset}"


def in_a_branch(loss=None):
    if loss is None:
        loss = make()
    data = make() if loss else loss
    penalties = []
    penalties.append(make())
    penalties.append(make())
    return log(data, penalties, loss)


def twice_on_a_line():
    return log(make()), log(make())


def starred():
    data = make()
    penalties = [*make(1, 2), data]
    return log(data, penalties, *make(1))


@pytest.mark.parametrize("program", [in_a_branch, starred], ids=lambda each: each.__name__)
def test_no_line_rather_than_a_wrong_one(program):
    found = program()
    assert [found.of("penalties", index) for index in range(3)] == [None] * 3
    assert found.of("loss") is None
    assert found.of("other") is None


def test_calls_that_cannot_be_told_apart():
    assert [found.of("data") for found in twice_on_a_line()] == [None, None]


def test_source_that_is_gone_or_changed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("def run(log):\n    data = 1\n    return log(data)\n")
    space = {}
    exec(compile(program.read_text(), str(program), "exec"), space)
    for text in ("def run(:", "", "\n\ndef run(log):\n    data = 1\n"):
        program.write_text(text)
        _argument_lines._of_call.cache_clear()
        assert space["run"](log).of("data") is None
