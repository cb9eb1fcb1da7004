# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The panel in its tab of TensorBoard: dark mode, fonts, colors, reload, addresses."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser import logs
from tests.browser.conftest import Panel, alone, in_tensorboard, ready
from tests.integration.tensorboard_process import Board, tensorboard

pytestmark = pytest.mark.browser


def test_the_tab_follows_tensorboards_dark_mode(framed: Panel) -> None:
    _choose_theme(framed, "Light")
    expect(framed.locator(".panel.light")).to_be_visible()
    light = framed.locator(".panel").evaluate("e => getComputedStyle(e).backgroundColor")
    _choose_theme(framed, "Dark")
    expect(framed.locator(".panel.dark")).to_be_visible()
    dark = framed.locator(".panel").evaluate("e => getComputedStyle(e).backgroundColor")
    assert _sum(dark) < 200 < 600 < _sum(light)
    framed.wait_for_color("data", framed.color(logs.BUG), 100)
    _choose_theme(framed, "Light")
    expect(framed.locator(".panel.light")).to_be_visible()


def test_the_tab_has_tensorboards_font_and_colors(framed: Panel) -> None:
    assert framed.frame.evaluate(
        "document.fonts.ready.then(fonts => [...fonts].some(f => f.status === 'loaded'))"
    )
    # TensorBoard gives colors by the run's place in its own list.
    palette = [
        (66, 80, 102),
        (18, 181, 203),
        (229, 37, 146),
        (249, 171, 0),
        (147, 52, 230),
        (124, 179, 66),
        (232, 113, 10),
    ]
    listed = framed.frame.evaluate("fetch('../../runs').then(answer => answer.json())")
    assert {name: framed.color(name) for name in listed} == {
        name: palette[i % len(palette)] for i, name in enumerate(listed)
    }


def test_new_data_comes_with_tensorboards_reload_button(
    open_page: Callable[..., Panel], tmp_path: pathlib.Path
) -> None:
    logs.write(tmp_path / "live", 0.0)
    with tensorboard("--logdir", str(tmp_path), "--reload_interval=1") as board:
        board.settled(1)
        panel = ready(in_tensorboard(open_page(f"{board.url}/#regloss")))
        plot = panel.chart("data").locator(".plot")
        plot.focus()
        plot.press("ArrowLeft")
        step = panel.chart("data").locator(".readout tbody tr:first-child td").last
        expect(step).to_have_text("297")
        logs.continue_run(tmp_path / "live", range(300, 360, 3))
        logs.write(tmp_path / "second", 1.0)
        _wait_until_read(panel, "live", 357)
        _wait_until_read(panel, "second", 297)
        panel.page.locator("button.reload-button").click()
        expect(panel.badge("second")).to_have_text("included 36/36")
        plot.press("Escape")
        plot.press("ArrowLeft")
        expect(step).to_have_text("357")
        expect(panel.badge("live")).to_have_text("missing 0/36")


def test_an_empty_logdir_under_a_path_prefix_and_a_tensorboard_that_ends(
    open_page: Callable[..., Panel], tmp_path: pathlib.Path
) -> None:
    with tensorboard("--logdir", str(tmp_path), "--path_prefix=/some/where") as board:
        panel = open_page(alone(board))
        expect(panel.locator(".whole-message h1")).to_have_text("No run with losses or a graph yet")
        expect(panel.locator(".quick-start pre")).to_contain_text("RegLossHook")
    panel.page.get_by_role("button", name="Look again").click()
    expect(panel.locator(".panel")).to_contain_text("TensorBoard does not answer")
    # Chromium itself says that it could not connect; nothing else may be said.
    panel.messages[:] = [text for text in panel.messages if "ERR_CONNECTION" not in text]


def test_a_shared_address_names_run_and_axes(open_page: Callable[..., Panel], board: Board) -> None:
    address = "p.regloss.run=towers&p.regloss.axis=relative&p.regloss.smoothing=0"
    panel = in_tensorboard(open_page(f"{board.url}/#regloss&{address}"))
    expect(panel.locator(".verdict[data-status] .verdict-run")).to_have_text("towers")
    expect(panel.frame.get_by_label("relative", exact=True)).to_be_checked()
    expect(panel.frame.get_by_label("Smoothing as a number")).to_have_value("0")


def _choose_theme(panel: Panel, name: str) -> None:
    panel.page.get_by_role("button", name="Menu for changing light or dark theme").click()
    panel.page.get_by_role("menuitem", name=re.compile(name)).click()


def _wait_until_read(panel: Panel, run: str, step: int) -> None:
    """Waits until TensorBoard itself has read the files up to this step."""
    panel.frame.wait_for_function(
        """async ([run, step]) => {
          const body = JSON.stringify({runs: [run]});
          const answer = await (await fetch("losses", {method: "POST", body})).json();
          return answer.runs[run]?.data_loss?.steps.includes(step) ?? false;
        }""",
        arg=[run, step],
        polling=300,
    )


def _sum(color: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", color)[:3])
