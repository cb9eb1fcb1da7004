# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""torch training loops that log their losses, run for real."""

from __future__ import annotations

import inspect
import math

import pytest

torch = pytest.importorskip("torch")

from tb_regloss import errors, metadata
from tb_regloss.analysis.verdict_types import Status
from tb_regloss.summary import torch as regloss_torch
from tests import written_logs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Program:
    """A small classifier; `how` says what becomes of its two penalties."""

    def __init__(self, logger_of, how="included", optimizer=torch.optim.SGD, **options):
        torch.manual_seed(1)
        self.model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
        self.optimizer = optimizer(self.model.parameters(), lr=0.1, **options)
        self.how = how
        self.logger = logger_of(self.model, self.optimizer)

    def run(self, steps=3):
        batch, labels = torch.ones(5, 3), torch.tensor([0, 1, 0, 1, 1])
        for step in range(steps):
            data_loss = torch.nn.functional.cross_entropy(self.model(batch), labels)
            first = 0.1 * self.model[0].weight.square().sum()
            second = 0.1 * self.model[1].weight.abs().sum()
            if self.how == "detached":
                second = second.detach()
            loss = data_loss + first + second
            if self.how == "missing":
                loss = data_loss
            if self.how == "half":
                loss = 128.0 * (data_loss + 0.5 * first + 0.5 * second)
            self.optimizer.zero_grad()
            logged = {"first": first, "second": second}
            if self.how == "twin":
                logged = {"first": first * 1, "second": second.detach()}
            self.logger.add(step, data_loss, logged, loss)
            loss.backward()
            self.optimizer.step()


@pytest.mark.parametrize("kind", ["torch", "tensorboardX", "folder"])
def test_values_and_declaration(tmp_path, kind):
    if kind == "torch":
        writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path))
    elif kind == "tensorboardX":
        writer = pytest.importorskip("tensorboardX").SummaryWriter(str(tmp_path))
    else:
        writer = tmp_path
    program = Program(lambda model, optimizer: regloss_torch.Losses(writer, model, optimizer))
    weights = program.model[0].weight.detach().clone()
    program.run()
    program.logger.close()
    if kind != "folder":
        writer.close()
    log = written_logs.read(tmp_path)
    assert [step for step, _ in log.vector] == [0, 1, 2]
    assert log.vector[0][1][0] == pytest.approx(float(0.1 * weights.square().sum()))
    for (_, data), (_, penalties), (_, optimized) in zip(
        log.scalars["regloss/data_loss"],
        log.scalars["regloss/regularization_sum"],
        log.scalars["regloss/optimized_loss"],
        strict=True,
    ):
        assert optimized == pytest.approx(data + penalties)
    assert len(log.declarations) == 1
    first, second = log.declaration.regularization_losses
    assert (first.name, first.variables) == ("first", ("0.weight",))
    assert (second.name, second.variables) == ("second", ("1.weight",))
    assert [first.multiplier, second.multiplier] == [1.0, 1.0]
    assert log.declaration.framework == "torch"
    assert log.declaration.optimizer_weight_decay == 0.0


def test_source_lines(tmp_path):
    logger = regloss_torch.Losses(tmp_path)
    weight = torch.ones(3, requires_grad=True)
    data_loss = (weight - 2).square().mean()  # data
    penalties = {
        "l1": weight.abs().sum(),  # l1
        "l2": weight.square().sum(),  # l2
    }
    loss = data_loss + sum(penalties.values())  # optimized
    logger.add(0, data_loss, penalties, loss)
    logger.close()
    declared = written_logs.read(tmp_path).declaration
    lines, start = inspect.getsourcelines(test_source_lines)
    marked = [
        f"test_summary_torch.py:{start + at}" for at, text in enumerate(lines) if "  # " in text
    ]
    losses = (*declared.data_losses, *declared.regularization_losses, declared.optimized_loss)
    assert [loss.created_at for loss in losses] == marked[:4]


@pytest.mark.parametrize("loader", written_logs.PROVIDERS)
def test_both_readers_get_all_series(tmp_path, loader):
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path / "run"))
    Program(lambda *known: regloss_torch.Losses(writer, *known)).run()
    writer.close()
    with written_logs.PROVIDERS[loader](tmp_path) as provider:
        (series,) = written_logs.series(provider).values()
    (vector,) = [tag for tag in series if tag.startswith(metadata.TAG_REGULARIZATION_LOSSES)]
    assert len(series[vector]) == 3
    assert len(series["regloss/optimized_loss"]) == 3


def declared_by(tmp_path, how, on_missing=None, **options):
    program = Program(
        lambda *known: regloss_torch.Losses(tmp_path, *known, on_missing=on_missing),
        how,
        **options,
    )
    program.run()
    program.logger.close()
    return written_logs.read(tmp_path).declaration


@pytest.mark.parametrize(
    ("how", "multipliers", "detached"),
    [
        ("included", [1.0, 1.0], [False, False]),
        ("missing", [0.0, 0.0], [False, False]),
        ("half", [0.5, 0.5], [False, False]),
        ("detached", [1.0, 0.0], [False, True]),
        # Logged copies of penalties that are in the loss, one made without a gradient.
        ("twin", [None, None], [False, True]),
    ],
)
def test_what_each_penalty_counts_for(tmp_path, how, multipliers, detached):
    losses = declared_by(tmp_path, how).regularization_losses
    assert [loss.multiplier for loss in losses] == multipliers
    assert [loss.detached for loss in losses] == detached


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.SGD])
def test_decay_of_the_optimizer(tmp_path, optimizer):
    declared = declared_by(tmp_path, "included", optimizer=optimizer, weight_decay=0.25)
    assert declared.optimizer_weight_decay == 0.25


@pytest.mark.parametrize(
    ("decays", "penalized", "declared"),
    [((0.1, 0.0), 1, None), ((0.1, 0.0), 0, 0.1), ((0.1, 0.2), 1, 0.2), ((0.1, 0.0), None, 0.1)],
)
def test_decay_of_the_groups_that_are_penalized(tmp_path, decays, penalized, declared):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    groups = [
        {"params": layer.parameters(), "weight_decay": decay}
        for layer, decay in zip(model, decays, strict=True)
    ]
    logger = regloss_torch.Losses(tmp_path, model, torch.optim.SGD(groups, 0.1))
    data_loss = model(torch.ones(1, 2)).sum()
    penalties = [] if penalized is None else [model[penalized].weight.square().sum()]
    logger.add(0, data_loss, penalties, sum(penalties, data_loss))
    logger.close()
    assert written_logs.read(tmp_path).declaration.optimizer_weight_decay == declared


def test_penalty_of_frozen_parameters_is_not_called_blocked(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[0].requires_grad_(False)
    logger = regloss_torch.Losses(tmp_path, model, on_missing="raise")
    data_loss = model(torch.ones(1, 2)).sum()
    frozen, kept = (layer.weight.square().sum() for layer in model)
    logger.add(0, data_loss, {"frozen": frozen, "kept": kept}, data_loss + kept)
    logger.close()
    losses = written_logs.read(tmp_path).declaration.regularization_losses
    assert [(loss.multiplier, loss.detached) for loss in losses] == [(None, None), (1.0, False)]


def test_losses_without_gradients_prove_nothing(tmp_path):
    logger = regloss_torch.Losses(tmp_path, on_missing="raise")
    with torch.no_grad():
        data_loss, penalty = torch.tensor(1.0), torch.tensor(2.0)
        logger.add(0, data_loss, [penalty], data_loss)
    logger.close()
    (loss,) = written_logs.read(tmp_path).declaration.regularization_losses
    assert (loss.multiplier, loss.detached) == (None, None)


def test_closure_scaler_and_accumulation(tmp_path):
    model = torch.nn.Linear(2, 2)
    logger = regloss_torch.Losses(tmp_path, model, on_missing="raise")
    scaler = torch.amp.GradScaler("cpu")
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            data_loss = model(torch.ones(1, 2)).square().sum()
        penalty = model.weight.square().sum()
        loss = scaler.scale((data_loss + penalty) / 4)
        logger.add(0, data_loss, {"l2": penalty}, loss)
        (loss / scaler.get_scale()).backward()
        return loss / scaler.get_scale()

    optimizer.step(closure)
    logger.close()
    log = written_logs.read(tmp_path)
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [1.0]
    assert len(log.declarations) == 1


class TestOnMissing:
    def test_raise(self, tmp_path):
        with pytest.raises(errors.MissingRegularizationError, match=r"missing: first\n"):
            declared_by(tmp_path, "missing", on_missing="raise")

    def test_warn(self, tmp_path):
        with pytest.warns(UserWarning, match="never reach"):
            declared_by(tmp_path, "missing", on_missing="warn")

    def test_function(self, tmp_path):
        verdicts = []
        declared_by(tmp_path, "missing", on_missing=verdicts.append)
        assert [verdict.status for verdict in verdicts] == [Status.MISSING]

    def test_all_is_well(self, tmp_path):
        declared_by(tmp_path, "included", on_missing="raise")


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


def test_no_writer():
    with pytest.raises(errors.DeclarationError, match="writer is a int"):
        regloss_torch.Losses(3)


def test_list_nan_half_precision_and_changed_losses(tmp_path):
    logger = regloss_torch.Losses(tmp_path, on_missing=None)
    half, nan = torch.tensor(1.5, dtype=torch.bfloat16), torch.tensor(math.nan)
    logger.add(0, half, [half, nan], nan, collections={"l3": half})
    logger.add(1, half, [half], half)
    logger.close()
    log = written_logs.read(tmp_path)
    assert sorted(len(rows[0][1]) for rows in log.vectors.values()) == [1, 2]
    assert log.scalars["regloss/collections/l3"] == [(0, 1.5)]
    assert math.isnan(log.scalars["regloss/optimized_loss"][0][1])
