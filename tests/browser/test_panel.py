# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees and does in the panel. No test here sleeps: all wait for a state."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser import logs
from tests.browser.conftest import Panel, alone, ready
from tests.browser.legible import faint, nameless
from tests.conftest import ROOT
from tests.integration.tensorboard_process import Board

pytestmark = pytest.mark.browser

RED = "rgb(211, 47, 47)"
# The area between total and optimized loss of a run that is wrong.
GAP = (229, 57, 53)


def test_the_bug_is_seen_at_a_glance(panel: Panel) -> None:
    badge = panel.badge(logs.BUG)
    expect(badge).to_have_text("missing 0/36")
    expect(badge).to_have_css("background-color", RED)
    expect(panel.badge(logs.FIXED)).to_have_text("included 36/36")
    expect(panel.badge(logs.HALF)).to_have_text("scaled \u00d70.5")
    expect(panel.badge(logs.TOWERS)).to_have_text("counted 4\u00d7")
    expect(panel.locator(".verdict .verdict-run")).to_have_text(logs.BUG)
    expect(panel.locator(".verdict")).to_have_css("border-left-color", RED)
    expect(panel.locator(".verdict h2")).to_have_text(
        "36 of 36 regularization losses never reach the loss that is optimized"
    )
    expect(panel.locator('.evidence-row[data-kind="scalars"]')).to_contain_text("optimized =")


def test_the_headline_leads_to_what_the_verdict_means(panel: Panel) -> None:
    panel.focus(logs.BUG)
    with panel.locator("body").page.expect_popup() as opened:
        panel.locator(".verdict h2 a").click()
    expect(opened.value.locator("h2:target")).to_have_text("missing")
    opened.value.close()


def test_what_cannot_be_told_looks_like_no_warning(panel: Panel) -> None:
    badge = panel.badge(logs.BARE)
    expect(badge).to_have_text("can't tell")
    color = badge.evaluate("badge => getComputedStyle(badge).backgroundColor")
    red, green, blue = (int(part) for part in re.findall(r"\d+", color))
    assert max(red, green, blue) - min(red, green, blue) < 10  # grey


def test_the_charts_are_drawn_and_the_gap_is_shaded(panel: Panel) -> None:
    panel.focus(logs.BUG)
    for chart in ("data", "regularization", "total"):
        panel.wait_for_color(chart, panel.color(logs.BUG), 150)
    panel.wait_for_color("total", GAP, 1000)
    panel.wait_for_no_color("data", GAP)


def test_a_run_leaves_the_charts_with_its_tick(panel: Panel) -> None:
    panel.focus(logs.BUG)
    color = panel.color(logs.TOWERS)
    panel.wait_for_color("total", color, 50)
    panel.run(logs.TOWERS).locator("input").uncheck()
    panel.wait_for_no_color("total", color)
    panel.locator(".run-head input").check()
    panel.wait_for_color("total", color, 50)


def test_odd_names_are_text(panel: Panel) -> None:
    panel.focus(logs.ODD)
    expect(panel.run(logs.ODD).locator(".run-name")).to_have_attribute(
        "title", re.compile("^" + re.escape(logs.ODD) + "\n")
    )
    expect(panel.badge(logs.ODD)).to_have_text("included 36/36")
    assert panel.page.title() == "RegLoss"
    panel.wait_for_color("data", panel.color(logs.ODD), 150)
    with panel.page.expect_download() as download:
        panel.locator(".export a", has_text="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")


def test_nan_and_infinity_are_shown_as_such(panel: Panel) -> None:
    panel.focus(logs.BROKEN)
    expect(panel.chart("data").locator(".chart-notes")).to_contain_text(
        "NaN at 33 of 100 points, first at step 201"
    )
    expect(panel.chart("regularization").locator(".chart-notes")).to_contain_text("infinite at 33")
    plot = panel.chart("data").locator(".plot")
    plot.focus()
    plot.press("ArrowLeft")
    first = ".readout tbody tr:first-child td:nth-child(2)"
    expect(panel.chart("data").locator(first)).to_have_text("NaN")
    expect(panel.chart("regularization").locator(first)).to_have_text("\u221e")
    # The last finite value of the data loss is near 0.4; an axis that infinity
    # had moved would leave nothing to be seen of it.
    panel.wait_for_color("data", panel.color(logs.BROKEN), 150)


def test_one_cursor_in_all_charts(panel: Panel) -> None:
    panel.focus(logs.BUG)
    panel.chart("data").locator(".u-over").hover()
    rows = panel.locator(".readout tbody tr:first-child")
    expect(rows).to_have_count(3)
    steps = {row.split("\t")[-1].strip() for row in rows.all_inner_texts()}
    assert len(steps) == 1
    gap = panel.chart("total").locator(".readout tbody tr:first-child td:nth-child(4)")
    assert float(gap.inner_text()) > 0.5
    panel.page.mouse.move(5, 5)
    expect(panel.locator(".readout")).to_have_count(0)


def test_zoom_by_dragging_and_back_by_double_click(panel: Panel) -> None:
    over = panel.chart("regularization").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    panel.page.mouse.move(box["x"] + 40, middle)
    panel.page.mouse.down()
    panel.page.mouse.move(box["x"] + 140, middle, steps=4)
    panel.page.mouse.up()
    expect(panel.locator(".charts.zoomed")).to_be_visible()
    over.dblclick()
    expect(panel.locator(".charts.zoomed")).to_have_count(0)


@pytest.mark.parametrize("choice", ["relative", "wall", "log"])
def test_axes(panel: Panel, choice: str) -> None:
    panel.focus(logs.FIXED)
    panel.frame.get_by_label(choice, exact=True).check()
    for chart in ("data", "regularization", "total"):
        panel.wait_for_color(chart, panel.color(logs.FIXED), 100)


def test_settings_are_remembered(panel: Panel) -> None:
    panel.frame.get_by_label("Smoothing as a number").fill("0")
    panel.frame.get_by_label("Smoothing as a number").blur()
    panel.frame.get_by_label("log", exact=True).check()
    panel.page.reload()
    ready(panel)
    expect(panel.frame.get_by_label("Smoothing as a number")).to_have_value("0")
    expect(panel.frame.get_by_label("log", exact=True)).to_be_checked()


def test_filters(panel: Panel) -> None:
    names = panel.locator(".run .run-name")
    box = panel.frame.get_by_label("Filter runs by regular expression")
    box.fill("^(bug|FIXED)/")
    expect(names).to_have_count(2)
    box.fill("(")
    expect(panel.locator(".field-error")).to_contain_text("Not a regular expression")
    box.fill("")
    panel.frame.get_by_role("button", name=re.compile("only flagged")).click()
    expect(names).to_have_count(3)
    for name in (logs.BUG, logs.HALF, logs.TOWERS):
        expect(panel.run(name)).to_be_visible()


def test_the_table_of_regularization_losses(panel: Panel) -> None:
    panel.focus(logs.BUG)
    rows = panel.locator("tr.loss")
    expect(rows).to_have_count(logs.LOSSES)
    first = rows.first
    expect(first).to_contain_text("net/layer0/weights")
    # A multiplier of zero is a number, not a missing one.
    expect(first.locator("td").nth(3)).to_have_text("0")
    panel.frame.get_by_role("button", name="Value").click()
    panel.frame.get_by_role("button", name="Value").click()
    expect(first).to_contain_text("net/layer35/weights")
    first.click()
    expect(panel.locator("tr.opened .sparkline path")).to_be_visible()
    expect(panel.locator("tr.opened")).to_contain_text("net/layer35/kernel/Regularizer")
    panel.frame.get_by_label("Filter regularization losses").fill("layer3$|layer3/")
    expect(rows).to_have_count(1)


def test_the_fix_is_copied(open_page: Callable[..., Panel], board: Board) -> None:
    panel = ready(open_page(alone(board), permissions=["clipboard-read", "clipboard-write"]))
    panel.focus(logs.BUG)
    panel.locator(".fix .copy").click()
    expect(panel.locator(".fix .copy")).to_have_text("Copied")
    code = panel.page.evaluate("navigator.clipboard.readText()")
    assert "get_total_loss()" in code
    assert not re.search(r"^[+-]", code, re.MULTILINE)


def test_the_keyboard_goes_through_the_runs(panel: Panel) -> None:
    panel.focus(logs.BUG)
    panel.run(logs.BUG).locator(".run-name").press("ArrowDown")
    expect(panel.locator(".verdict .verdict-run")).not_to_have_text(logs.BUG)
    panel.page.keyboard.press("ArrowUp")
    expect(panel.locator(".verdict .verdict-run")).to_have_text(logs.BUG)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_and_controls_have_names(
    open_page: Callable[..., Panel], board: Board, scheme: str
) -> None:
    panel = ready(open_page(alone(board), color_scheme=scheme))
    expect(panel.locator(f".panel.{scheme}")).to_be_visible()
    expect(panel.locator("tr.loss").first).to_be_visible()
    assert nameless(panel.page) == []
    assert faint(panel.page) == []


def test_narrow_windows_stack_the_charts(open_page: Callable[..., Panel], board: Board) -> None:
    panel = ready(open_page(alone(board), viewport={"width": 800, "height": 900}))
    boxes = [panel.chart(name).bounding_box() for name in ("data", "regularization", "total")]
    assert len({box["x"] for box in boxes if box}) == 1
    assert panel.page.evaluate("document.documentElement.scrollWidth") <= 800


def test_the_bundle_is_small_and_keeps_to_tensorboards_rules() -> None:
    static = ROOT / "tb_regloss" / "backend" / "static"
    assert [path.name for path in static.iterdir()] == ["index.js"]
    code = (static / "index.js").read_text(encoding="utf-8")
    assert len(code.encode()) < 120_000
    assert not re.search(r"\beval\(|new Function\(|https?://(?!www\.w3\.org/)", code)
