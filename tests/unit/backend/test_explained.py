# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The page on verdicts: every answer has its section, and links lead somewhere."""

from __future__ import annotations

import ast
import html.parser
import pathlib
import re
from typing import Any

import pytest

import tb_regloss
from tb_regloss.analysis.verdict_types import EvidenceKind, Status
from tb_regloss.backend import explained

PACKAGE = pathlib.Path(tb_regloss.__file__).parent
PARTS = ("**Means:**", "**Proved by:**", "**Cannot be known:**", "**To do:**")


class Page(html.parser.HTMLParser):
    """Anchors, links and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.anchors.append(value or "")
            if name == "href":
                self.links.append(value or "")


def finding_codes() -> set[str]:
    """Returns the codes of all findings that the analysis makes, read from its source."""
    found = set()
    for path in (PACKAGE / "analysis").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                constants.update((ast.unparse(target), node.value.value) for target in node.targets)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding":
                code = call.args[0]
                assert isinstance(code, (ast.Name, ast.Constant)), ast.dump(code)
                found.add(constants[code.id] if isinstance(code, ast.Name) else code.value)
    return found


def test_the_codes_are_read_from_the_source() -> None:
    assert {"loss_and_decay", "regularization_losses_equal", "logged_unscaled"} <= finding_codes()


def test_every_status_has_a_section_of_four_parts() -> None:
    sections = explained.sections()
    for status in Status:
        section = sections[status.value]
        assert [section.count(part) for part in PARTS] == [1] * 4, status
        assert re.findall(r"^\*\*.*?\*\*", section, re.MULTILINE) == list(PARTS)


@pytest.mark.parametrize("kind", [kind.value for kind in EvidenceKind])
def test_every_source_of_evidence_has_a_section(kind: str) -> None:
    assert kind in explained.sections()


def test_every_finding_has_a_section_and_no_other_is_explained() -> None:
    anchors = list(explained.sections())
    assert set(anchors[anchors.index("findings") + 1 :]) == finding_codes()


def test_anchors_are_unique_and_every_link_leads_to_one() -> None:
    page = Page(explained.page())
    assert len(set(page.anchors)) == len(page.anchors)
    assert {link.removeprefix("#") for link in page.links} == set(page.anchors)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = Page(explained.page())
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert "src" not in page.attributes
    assert "url(" not in explained.page()
    # Markdown that was not understood would stand there as text.
    assert not re.search(r"\*\*|\]\(#|^\| ", explained.page(), re.MULTILINE)
