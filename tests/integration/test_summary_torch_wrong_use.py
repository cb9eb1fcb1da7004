# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the torch writer says of wrong use."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tb_regloss import errors
from tb_regloss.summary import torch as regloss_torch

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ((None, {}, 1), "data_loss is None"),
        ((0.5, {}, 1), r"data_loss is a float \(0.5\).*not its item"),
        ((0, None, 1), r"regularization_losses\[0\] is None"),
        ((0, 3.5, 1), r"regularization_losses\[0\] is a float"),
        ((0, {"a": None}, 1), r"regularization_losses\['a'\] is None"),
        ((0, [1, [2.0]], 1), r"regularization_losses\[1\] is a list"),
        ((0, {"a": "zeros"}, 1), r"regularization_losses\['a'\] has shape \(2,\)"),
        ((0, {"a": "int"}, 1), r"regularization_losses\['a'\] has type torch.int64"),
    ],
)
def test_what_is_no_scalar_loss(tmp_path, losses, text):
    known = {0: torch.tensor(0.0), 1: torch.tensor(1.0), "zeros": torch.zeros(2)}
    known["int"] = torch.tensor(3)

    def tensors(value):
        if isinstance(value, dict):
            return {name: tensors(each) for name, each in value.items()}
        if isinstance(value, list):
            return [tensors(each) if not isinstance(each, list) else each for each in value]
        return known.get(value, value) if not isinstance(value, float) else value

    logger = regloss_torch.Losses(tmp_path)
    with pytest.raises(errors.DeclarationError, match=text):
        logger.add(0, *map(tensors, losses))
    logger.close()


@pytest.mark.parametrize("step", [None, "three", torch.zeros(2)])
def test_wrong_step(tmp_path, step):
    logger = regloss_torch.Losses(tmp_path)
    one = torch.tensor(1.0)
    with pytest.raises(errors.DeclarationError, match=r"step is .*expected the number of the"):
        logger.add(step, one, [one], one)
    logger.close()


@pytest.mark.parametrize("argument", ["writer", "model", "optimizer"])
def test_wrong_arguments(tmp_path, argument):
    with pytest.raises(errors.DeclarationError, match=f"{argument} is a int; expected"):
        regloss_torch.Losses(**{"writer": tmp_path, argument: 3})


def test_two_penalties_of_one_name(tmp_path):
    logger, one = regloss_torch.Losses(tmp_path), torch.tensor(1.0)
    with pytest.raises(errors.DeclarationError, match="two values named '1'"):
        logger.add(0, one, {1: one, "1": one}, one)
    logger.close()
