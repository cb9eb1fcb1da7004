# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation beside its training run, as a person sees it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser import logs
from tests.browser.conftest import Panel, alone
from tests.integration.tensorboard_process import tensorboard

pytestmark = pytest.mark.browser


def test_an_evaluation_leads_to_its_training_run(
    tmp_path: pathlib.Path, open_page: Callable[..., Panel]
) -> None:
    for run in ("fit/train", "fit/validation"):  # As of a program that logs both alike.
        logs.write(tmp_path / run, 0.0)
    with tensorboard(f"--logdir={tmp_path}") as board:
        board.settled(2)
        panel = open_page(alone(board))
        expect(panel.badge("fit/train")).to_have_text("missing 0/36")
        expect(panel.badge("fit/validation")).to_have_text("not training")
        expect(panel.locator(".run.follows")).to_have_count(1)
        expect(panel.locator(".verdict .verdict-run")).to_have_text("fit/train")
        panel.focus("fit/validation")
        verdict = panel.locator(".verdict")
        expect(verdict).to_contain_text("Belongs to the training run fit/train")
        expect(verdict.locator(".findings")).to_have_count(0)
        verdict.get_by_role("button", name="fit/train").click()
        expect(panel.locator(".verdict .verdict-run")).to_have_text("fit/train")
