# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever the names are: documents stay well-formed, and names come out as they went in."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from xml.etree import ElementTree

import markdown_it
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tb_regloss import report
from tb_regloss.report import junit, markdown, sarif, wording
from tb_regloss.report.markdown_text import block, code, prose, row
from tb_regloss.report.outcome import outcome_of
from tests.unit.report.runs import a_loss, a_run

# Surrogates too: file names on Linux are bytes.
MARKUP = st.text(alphabet=st.sampled_from(list("`|\\*_[]()<>&#@!-+.1~ \n'\"ab{}:/")), max_size=30)
NAMES = st.one_of(st.text(alphabet=st.characters(), max_size=30), MARKUP)
RENDERER = markdown_it.MarkdownIt("commonmark", {"linkify": False}).enable("table")


def a_document(name: str, text: str) -> tuple[Any, list[dict[str, str]]]:
    run = a_run(
        name,
        [a_loss(name, variables=[text, name], created_at=f"{name}:3", text=text)],
        path=f"logs/{name}",
        headline=text,
        evidence=[{"kind": "graph", "status": "missing", "text": text}],
        findings=[{"code": "a_code", "severity": "warning", "text": text}],
        notes=[text],
        fix={"framework": "tf1", "text": text, "code": text},
        problems=[{"path": name, "message": text}],
    )
    return run, run["problems"]


@given(NAMES, NAMES, st.booleans())
def test_junit_is_well_formed_and_keeps_names(name: str, text: str, lost: bool) -> None:
    run, problems = a_document(name, text)
    found = outcome_of(["logs", name], [run], problems, unreadable=[name] if lost else [])
    root = ElementTree.fromstring(junit.document(found))
    names = [case.get("name") for case in root.iter("testcase")]
    assert wording.safe(wording.title(run)) in names
    (failure,) = root.iter("failure")
    assert failure.get("message") == wording.one_line(f"missing: {text}")


@given(NAMES, NAMES)
def test_sarif_is_json_of_valid_text_and_uris(name: str, text: str) -> None:
    run, problems = a_document(name, text)
    written = report.to_json(sarif.document(outcome_of(["logs"], [run], problems), {}, {}))
    found = json.loads(written)["runs"][0]
    written.encode()
    json.dumps(found, ensure_ascii=False).encode()  # No lone surrogate is left.
    for result in found["results"]:
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(?:[A-Za-z0-9._~:/-]|%[0-9A-F]{2})+", uri)


def text_of(markup: str) -> str:
    """Returns the text that a reader sees of one rendered line."""
    (paragraph,) = re.findall("<p>(.*)</p>", RENDERER.render(markup), re.DOTALL)
    return html.unescape(re.sub("</?code>", "", paragraph))


@given(NAMES)
@example("a\\")
@example("`")
def test_a_name_is_seen_as_it_is(name: str) -> None:
    assert text_of(f"x {code(name)} y") == f"x {wording.safe(name)} y"


@given(st.lists(NAMES, min_size=2, max_size=3))
@example(["a\\", "|b"])
def test_a_name_stays_in_its_cell(names: list[str]) -> None:
    table = [row(*"h" * len(names)), row(*["---"] * len(names)), row(*map(code, names))]
    rendered = RENDERER.render("\n".join(table))
    cells = re.findall("<td>(.*?)</td>", rendered, re.DOTALL)
    seen = [html.unescape(re.sub("</?code>", "", cell)) for cell in cells]
    assert seen == [wording.safe(name) for name in names]


@given(NAMES)
def test_a_sentence_says_what_it_said(text: str) -> None:
    seen = text_of(f"x {prose(text)} y")
    assert seen.replace("'", "").replace('"', "") == (
        f"x {wording.one_line(text)} y".replace("'", "").replace('"', "")
    )
    # As an item of a list, where more characters are markup.
    items = RENDERER.render(f"- {prose(text)}\n- z")
    assert items.count("<li>") == 2
    assert "<h" not in items


@given(st.lists(MARKUP, max_size=3).map("\n".join))
def test_code_stays_in_its_block(text: str) -> None:
    rendered = RENDERER.render(f"{block(text, 'diff')}\nafter")
    assert rendered.count("<pre>") == 1
    assert rendered.endswith("</code></pre>\n<p>after</p>\n")


@given(NAMES, NAMES)
@settings(max_examples=50)
def test_a_report_has_its_tables_whatever_the_names(name: str, text: str) -> None:
    run, problems = a_document(name, text)
    rendered = RENDERER.render(markdown.document(outcome_of(["logs"], [run], problems)))
    assert rendered.count("<table>") == 2
    assert rendered.count("<tr>") == 4
    assert rendered.count("<pre>") == 1
    assert [rendered.count(f"<{tag}>") for tag in ("h1", "h2", "h3")] == [0, 1, 2]
    tags = "h[23]|p|ul|li|table|thead|tbody|tr|t[hd]|code|pre|strong"
    for tag in re.findall("<(?!/)([^ >]*)", rendered):
        assert re.fullmatch(tags, tag), tag
