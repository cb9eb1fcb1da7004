# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The page that tells what each verdict means: for the browser, and section by section."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator
from importlib import resources

_HEADING = re.compile(r"^(#{1,2}) (.+)$", re.MULTILINE)
# Nothing from elsewhere: TensorBoard's Content-Security-Policy allows styles in
# the page, and no scripts. System colors follow the reader's theme.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Verdicts - RegLoss for TensorBoard</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 24px 20px 60vh; max-width: 46em; line-height: 1.55;
  font-family: Roboto, system-ui, sans-serif; background: Canvas; color: CanvasText; }}
h1 {{ font-size: 1.5em; margin: 1.6em 0 0.4em; }}
h2 {{ font: 600 1.1em ui-monospace, monospace; margin: 2em 0 0.4em; padding: 4px 8px;
  border-left: 4px solid transparent; background: color-mix(in srgb, CanvasText 6%, Canvas); }}
h2:target {{ border-color: #f57c00; }}
h1 a, h2 a {{ color: inherit; text-decoration: none; }}
a {{ color: LinkText; }}
code {{ font-family: ui-monospace, monospace; font-size: 0.92em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 4px 12px 4px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def sections() -> dict[str, str]:
    """Returns the sections in Markdown, heading first, by anchor (a status, a code, ...)."""
    return {anchor: f"{heading}\n{text}" for anchor, heading, text in _parts()}


@functools.cache
def page() -> str:
    """Returns the page in HTML."""
    # Only here: the command line shows sections, and the import costs a tenth of a second.
    from tensorboard import plugin_util

    body = []
    for anchor, heading, text in _parts():
        level, name = len(heading.split()[0]), html.escape(heading.partition(" ")[2])
        # TensorBoard's sanitizer leaves no `id` in what comes from Markdown.
        body.append(f'<h{level} id="{anchor}"><a href="#{anchor}">{name}</a></h{level}>')
        body.append(plugin_util.markdown_to_safe_html(text))
    return _PAGE.format(body="\n".join(body))


def _parts() -> Iterator[tuple[str, str, str]]:
    """Yields anchor, heading and text of each section, as GitHub would name them."""
    path = resources.files("tb_regloss").joinpath("docs", "verdicts.md")
    text = path.read_text(encoding="utf-8")
    found = list(_HEADING.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=True):
        anchor = match[2].lower().replace(" ", "-")
        yield anchor, match[0], text[match.end() : end].strip() + "\n"
