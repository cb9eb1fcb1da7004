# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A real TensorBoard, and a real Chromium that looks at it."""

from __future__ import annotations

import pathlib
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright import sync_api

from tests.browser import logs
from tests.conftest import ROOT
from tests.integration.tensorboard_process import Board, tensorboard

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# A busy machine is no bug.
_PATIENCE_MS = 20_000
Color = tuple[int, int, int]
SIZE = {"width": 1400, "height": 900}


class Panel:
    """A page with the panel in it.

    Attributes:
      page: TensorBoard's page, or the panel's own.
      frame: where the panel is.
      messages: what the panel wrote to the console, and uncaught errors.
    """

    def __init__(self, page: sync_api.Page) -> None:
        self.page = page
        self.frame: Any = page
        self.messages: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    def _on_console(self, message: sync_api.ConsoleMessage) -> None:
        # TensorBoard's own script warns of its own libraries, and the panel's page
        # has no icon when it is opened without TensorBoard around.
        path = urllib.parse.urlsplit(message.location.get("url", "")).path
        foreign = path.endswith("/index.js") and "/plugin/" not in path
        if not foreign and path != "/favicon.ico":
            self.messages.append(message.text)

    def locator(self, selector: str, **options: Any) -> sync_api.Locator:
        found: sync_api.Locator = self.frame.locator(selector, **options)
        return found

    def run(self, name: str) -> sync_api.Locator:
        """The row of a run."""
        return self.locator(".run").filter(has=self.frame.get_by_label(f"{name}: "))

    def badge(self, name: str) -> sync_api.Locator:
        return self.run(name).locator(".badge")

    def focus(self, name: str) -> None:
        """Shows the verdict of a run."""
        self.run(name).locator(".run-name").click()
        sync_api.expect(self.locator(".verdict[data-status] .verdict-run")).to_have_text(name)

    def chart(self, name: str) -> sync_api.Locator:
        return self.locator(f'[data-chart="{name}"]')

    def wait_for_color(self, name: str, color: Color, at_least: int) -> None:
        """Waits until so many pixels of a chart have (nearly) this color."""
        self._wait_for_pixels(name, color, at_least, 1 << 30)

    def wait_for_no_color(self, name: str, color: Color) -> None:
        """Waits until a chart has nothing of this color but, here and there, a blend of others."""
        self._wait_for_pixels(name, color, 0, 12)

    def _wait_for_pixels(self, name: str, color: Color, low: int, high: int) -> None:
        self.frame.wait_for_function(
            """([chart, color, low, high]) => {
              const canvas = document.querySelector(`[data-chart="${chart}"] .u-wrap > canvas`);
              const {width, height} = canvas;
              const copy = new OffscreenCanvas(width, height);
              const context = copy.getContext("2d", {willReadFrequently: true});
              context.drawImage(canvas, 0, 0);
              const data = context.getImageData(0, 0, width, height).data;
              let count = 0;
              for (let i = 0; i < data.length; i += 4) {
                const near = color.every((value, j) => Math.abs(data[i + j] - value) < 12);
                count += near && data[i + 3] > 20 ? 1 : 0;
              }
              return count >= low && count <= high;
            }""",
            arg=[name, list(color), low, high],
        )

    def color(self, name: str) -> Color:
        """The color of a run's dot."""
        text = self.run(name).locator(".dot").evaluate("dot => getComputedStyle(dot).color")
        red, green, blue = (int(part) for part in text[4:-1].split(","))
        return red, green, blue


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    """The machine's own Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "the browser tests need Chromium: apt-get install chromium"
    built = ROOT / "tb_regloss" / "backend" / "static" / "index.js"
    assert built.is_file(), "the panel is not built: npm ci && npm run build, in frontend/"
    sync_api.expect.set_options(timeout=_PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("browser") / "logs"
    logs.write_all(folder)
    return folder


@pytest.fixture(scope="session")
def board(logdir: pathlib.Path) -> Iterator[Board]:
    """TensorBoard on one run of each kind, all of them judged."""
    with tensorboard("--logdir", str(logdir), "--reload_interval=1") as board:
        board.settled(len(list(logdir.rglob("events.*"))))
        yield board


@pytest.fixture
def open_page(chromium: sync_api.Browser) -> Iterator[Callable[..., Panel]]:
    """Opens an address; the panel must not have written to the console by the end."""
    opened: list[tuple[sync_api.BrowserContext, Panel]] = []

    def open_page(url: str, **context: Any) -> Panel:
        settings: dict[str, Any] = {"viewport": SIZE, **context}
        made = chromium.new_context(**settings)
        made.set_default_timeout(_PATIENCE_MS)
        panel = Panel(made.new_page())
        opened.append((made, panel))
        panel.page.goto(url)
        return panel

    yield open_page
    for context, _ in opened:
        context.close()
    assert [message for _, panel in opened for message in panel.messages] == []


@pytest.fixture
def panel(open_page: Callable[..., Panel], board: Board) -> Panel:
    """The panel's own page, without TensorBoard around: it loads ten times as fast."""
    return ready(open_page(alone(board)))


@pytest.fixture
def framed(open_page: Callable[..., Panel], board: Board) -> Panel:
    """The panel in its tab of TensorBoard."""
    return ready(in_tensorboard(open_page(f"{board.url}/#regloss")))


def in_tensorboard(panel: Panel) -> Panel:
    """Looks for the panel inside of TensorBoard's page."""
    panel.frame = panel.page.locator("iframe").element_handle().content_frame()
    return panel


def alone(board: Board) -> str:
    """The address that TensorBoard puts into the iframe."""
    return f"{board.url}/data/plugin_entry.html?name=regloss"


def ready(panel: Panel) -> Panel:
    """Waits for verdict and curves."""
    sync_api.expect(panel.locator(".verdict[data-status]")).to_be_visible()
    sync_api.expect(panel.locator(".plot-empty")).to_have_count(0)
    return panel
