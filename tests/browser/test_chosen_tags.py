# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A person says in the panel which tags stand for which losses."""

from __future__ import annotations

import json
import pathlib
import re
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Panel, alone, in_tensorboard
from tests.browser.legible import faint, nameless
from tests.event_logs import EventLog, unnamed
from tests.integration.tensorboard_process import Board, tensorboard

pytestmark = pytest.mark.browser

ODD = "m&y=#?\u8bd5 <b>/"
CHOSEN = {"data loss": "my/ce", "regularization sum": "my/wd", "optimized loss": "my/total"}
Open = Callable[..., Panel]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """TensorBoard on runs whose losses no convention finds, or not all of them."""
    logdir: pathlib.Path = tmp_path_factory.mktemp("tags")
    unnamed(logdir / "plain")
    unnamed(logdir / "bug", multiplier=0)
    unnamed(logdir / "odd", prefix=ODD)
    with EventLog(logdir / "doubt") as log:
        for step in range(5):
            values = {"total_loss": 2.0, "ce_loss": 1.0, "reg_loss": 1.0, "reg_loss_1": 0.5}
            # In one group: TensorBoard's own tab takes half a minute to draw 2,500 groups.
            log.simple(step, {**values, **{f"layers/norm_{i}": 1.0 for i in range(2500)}})
    with tensorboard("--logdir", str(logdir), "--reload_interval=1") as board:
        board.settled(4)
        yield board


def shown(panel: Panel, run: str) -> Panel:
    """Waits for the verdict on a run."""
    expect(panel.locator(".verdict[data-status] .verdict-run")).to_have_text(run)
    return panel


def at(run: str, roles: str | None = None) -> str:
    """The part of an address that names a run and what was said of the tags."""
    said = "" if roles is None else f"&p.regloss.roles={urllib.parse.quote(roles, safe='')}"
    return f"#regloss&p.regloss.run={run}{said}"


def choose(panel: Panel, tags: dict[str, str], prefix: str = "") -> None:
    """Fills in the form, by the keyboard alone."""
    panel.frame.get_by_role("button", name="Choose tags").press("Enter")
    expect(panel.frame.get_by_label("data loss", exact=True)).to_be_focused()
    expect(panel.locator("datalist option").first).to_be_attached()
    for name, tag in tags.items():
        field = panel.frame.get_by_label(name, exact=True)
        field.press_sequentially(prefix + tag)
        field.press("Enter")
        expect(panel.frame.get_by_label(f"Remove {prefix}{tag} from the {name}")).to_be_visible()
    panel.frame.get_by_label("data loss", exact=True).press("Enter")
    expect(panel.frame.get_by_role("button", name="Choose tags")).to_be_focused()


def test_chosen_tags_change_chart_and_verdict_and_are_remembered(
    open_page: Open, logged: Board
) -> None:
    panel = shown(in_tensorboard(open_page(f"{logged.url}/{at('plain')}")), "plain")
    tags = panel.locator(".roles")
    expect(tags).to_contain_text("data loss not found")
    expect(panel.badge("plain")).to_have_text("can't tell")
    panel.wait_for_no_color("data", panel.color("plain"))
    choose(panel, CHOSEN)

    expect(panel.badge("plain")).to_have_text("included 1/1")
    expect(panel.locator(".verdict")).to_contain_text("optimized = 1.000")
    expect(tags).to_contain_text("data loss my/ce")
    panel.wait_for_color("data", panel.color("plain"), 150)
    # All runs that log these tags; the charts of the other run too.
    panel.focus("bug")
    expect(tags).to_contain_text("data loss my/ce")
    panel.wait_for_color("total", panel.color("bug"), 150)
    with panel.page.expect_download() as download:
        panel.locator(".export a", has_text="CSV").click()
    assert "optimized_loss" in pathlib.Path(download.value.path()).read_text().splitlines()[0]

    panel.page.reload()
    shown(in_tensorboard(panel), "plain")
    expect(panel.badge("plain")).to_have_text("included 1/1")
    address = panel.page.url
    assert "p.regloss.roles=" in address
    # TensorBoard keeps it while other tabs are looked at.
    panel.page.get_by_role("tab", name="Scalars").click()
    expect(panel.page).to_have_url(re.compile("#scalars.*p\\.regloss\\.roles="))

    colleague = shown(in_tensorboard(open_page(address)), "plain")
    expect(colleague.badge("plain")).to_have_text("included 1/1")
    # The same browser, without the address.
    panel = Panel(panel.page.context.new_page())
    panel.page.goto(f"{logged.url}/{at('plain')}")
    shown(in_tensorboard(panel), "plain")
    expect(panel.badge("plain")).to_have_text("included 1/1")
    assert "p.regloss.roles=" in panel.page.url

    panel.frame.get_by_role("button", name="Choose tags").click()
    panel.frame.get_by_role("button", name="Reset").click()
    expect(panel.badge("plain")).to_have_text("can't tell")
    expect(panel.locator(".roles")).to_contain_text("data loss not found")
    assert "roles" not in panel.page.url
    panel.page.reload()
    shown(in_tensorboard(panel), "plain")
    expect(panel.badge("plain")).to_have_text("can't tell")


def test_an_ambiguous_loss_is_shown_as_such_and_one_click_settles_it(
    open_page: Open, logged: Board
) -> None:
    panel = shown(open_page(alone(logged) + at("doubt")), "doubt")
    open_role = panel.locator("[data-role=regularization_sum]")
    expect(open_role).to_contain_text("ambiguous")
    expect(open_role.get_by_role("button")).to_have_text(["reg_loss", "reg_loss_1"])
    open_role.get_by_role("button", name="reg_loss_1").click()
    expect(open_role).to_have_text(re.compile(r"regularization sum reg_loss_1\s*$"))
    expect(panel.chart("regularization").locator(".subtitle")).not_to_contain_text("not in the log")


def test_a_choice_for_one_run_leaves_the_others_alone(open_page: Open, logged: Board) -> None:
    panel = shown(open_page(alone(logged) + at("plain")), "plain")
    panel.frame.get_by_role("button", name="Choose tags").click()
    panel.frame.get_by_label("this run", exact=True).check()
    field = panel.frame.get_by_label("data loss", exact=True)
    field.fill("my/")
    field.press("Enter")
    panel.frame.get_by_role("button", name="Apply").click()
    # Half a tag is no tag: the form stays, and says so.
    assert field.evaluate("input => input.validationMessage") == (
        "No scalar of this run has this tag."
    )
    for name, tag in (("data loss", "my/ce"), ("data loss", "my/lr"), ("total loss", "my/lr")):
        panel.frame.get_by_label(name, exact=True).fill(tag)
        panel.frame.get_by_label(name, exact=True).press("Enter")
    expect(panel.frame.get_by_label("Remove my/lr from the data loss")).to_have_count(0)
    panel.frame.get_by_role("button", name="Apply").click()
    expect(panel.locator(".roles")).to_contain_text("data loss my/ce")
    expect(panel.locator(".roles")).to_contain_text("total loss my/lr")
    panel.focus("bug")
    expect(panel.locator(".roles")).to_contain_text("data loss not found")


def test_odd_tags(open_page: Open, logged: Board) -> None:
    panel = shown(open_page(alone(logged) + at("odd")), "odd")
    choose(panel, {"data loss": "ce", "optimized loss": "total"}, ODD)
    expect(panel.locator(".roles")).to_contain_text(f"data loss {ODD}ce")
    panel.page.reload()
    shown(panel, "odd")
    expect(panel.locator(".roles")).to_contain_text(f"data loss {ODD}ce")
    expect(panel.locator(".roles b")).to_have_count(0)


@pytest.mark.parametrize(
    "roles",
    ["", "%", "[[", '{"all": {"data_loss": [1], "x": ["a"]}, "runs": 3}'],
)
def test_an_address_that_makes_no_sense_harms_nothing(
    open_page: Open, logged: Board, roles: str
) -> None:
    panel = shown(open_page(alone(logged) + at("plain", roles)), "plain")
    expect(panel.locator(".roles")).to_contain_text("data loss not found")


def test_a_link_pasted_into_the_open_page_is_followed(open_page: Open, logged: Board) -> None:
    panel = shown(open_page(alone(logged) + at("plain")), "plain")
    expect(panel.locator(".roles")).to_contain_text("data loss not found")
    link = at("plain", json.dumps({"all": {"data_loss": ["my/ce"]}}))
    panel.page.evaluate("link => { location.hash = link }", link)
    expect(panel.locator(".roles")).to_contain_text("data loss my/ce")


def test_a_tag_that_vanished_is_named_and_can_be_taken_out(open_page: Open, logged: Board) -> None:
    said = json.dumps({"runs": {"doubt": {"optimized_loss": ["gone"], "data_loss": ["ce_loss"]}}})
    panel = shown(open_page(alone(logged) + at("doubt", said)), "doubt")
    expect(panel.locator(".notes")).to_contain_text("gone, which this run does not log")
    panel.frame.get_by_role("button", name="Choose tags").click()
    chip = panel.frame.get_by_label("Remove gone from the optimized loss")
    expect(chip).to_have_css("text-decoration-line", "line-through")
    chip.click()
    panel.frame.get_by_role("button", name="Apply").click()
    expect(panel.locator(".roles")).to_contain_text("optimized loss total_loss")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_can_be_read_and_moves_nothing_above_it(
    open_page: Open, logged: Board, scheme: str
) -> None:
    said = json.dumps({"all": {"data_loss": ["my/ce"]}})
    page = open_page(alone(logged) + at("doubt", said), color_scheme=scheme)
    panel = shown(page, "doubt")
    expect(panel.locator(".roles")).to_contain_text("ambiguous")
    assert faint(panel.page) == []
    before = panel.chart("total").bounding_box()
    panel.frame.get_by_role("button", name="Choose tags").click()
    expect(panel.frame.get_by_role("button", name="Apply")).to_be_visible()
    assert nameless(panel.page) == []
    assert faint(panel.page) == []
    assert panel.chart("total").bounding_box() == before
    panel.frame.get_by_label("data loss", exact=True).press("Escape")
    expect(panel.frame.get_by_role("button", name="Choose tags")).to_be_focused()
