# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Other people's names and our sentences as GitHub's Markdown; pure.

Names become code, in which GitHub sees no emphasis, no mention of a person and
no number of an issue. What code spans cannot hold is written as references.
"""

from __future__ import annotations

import re

from tb_regloss.report import wording

# Backticks end a code span, pipes a cell, and a backslash makes renderers
# disagree on what ends. A space at an end would be lost.
_IN_SPAN = re.compile(r"[^`|\\\s](?:[^`|\\]*[^`|\\\s])?")
_REFERENCED = re.compile(r"[^\w ]|_", re.ASCII)
# A word, with what may stand around and within words of a sentence.
_WORD = re.compile(r"[\"'(+-]*[^\W_]+(?:[.,'%+=-]+[^\W_]+)*[\"').,:;!?%]*")
_WRAPPED = re.compile(r"([\"'(]*)(.*?)([\"').,:;!?]*)")
# At the start of a line these would begin a list or a heading.
_STARTS = re.compile(r"[0-9]+[.)]|[-+=]+")


def code(name: str) -> str:
    """Returns a name as code, for cells of tables too."""
    name = wording.safe(name)
    if _IN_SPAN.fullmatch(name):
        return f"`{name}`"
    return f"<code>{_REFERENCED.sub(_reference, name)}</code>"


def prose(text: str) -> str:
    """Returns a sentence in one line; what is no word in it becomes code."""
    first, *rest = wording.one_line(text).split(" ")
    start = _escaped_start(first) if _STARTS.fullmatch(first) else _word(first)
    return " ".join([start, *(_word(token) for token in rest)])


def block(text: str, language: str) -> str:
    """Returns lines of code as a block that their own backticks cannot end."""
    content = wording.lines(text)
    longest = max(map(len, re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"


def row(*cells: str) -> str:
    """Returns a row of a table."""
    return f"| {' | '.join(cells)} |"


def _word(token: str) -> str:
    if not token or token in ("+", "=") or (_WORD.fullmatch(token) and "www." not in token):
        return token
    wrapped = _WRAPPED.fullmatch(token)
    if wrapped is None or not wrapped[2]:
        return token
    before, core, after = wrapped.groups()
    if before and after and before[-1] == after[0]:
        before, after = before[:-1], after[1:]  # Code needs no quotes.
    return f"{before}{code(core)}{after}"


def _escaped_start(token: str) -> str:
    return _REFERENCED.sub(_reference, token)


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found.group())};"
