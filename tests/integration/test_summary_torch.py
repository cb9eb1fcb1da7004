# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""torch training loops that log their losses, run for real."""

from __future__ import annotations

import inspect
import math
import warnings

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
        ("twin", [1.0, None], [False, True]),
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


def logged(tmp_path, loss_of, calls=8, on_missing=None, first_step=0):
    """Returns the newest multipliers and `detached` of two penalties, and the log."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    logger = regloss_torch.Losses(tmp_path, model, on_missing=on_missing)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def penalties():
        return [0.1 * layer.weight.square().sum() for layer in model]

    for call in range(calls):
        data_loss = torch.nn.functional.cross_entropy(
            model(torch.rand(5, 3)), torch.tensor([0, 1, 0, 1, 1])
        )
        own = penalties()
        loss = loss_of(call, data_loss, own, penalties)
        logger.add(call, data_loss, {"first": own[0], "second": own[1]}, loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logger.close()
    log = written_logs.read(tmp_path)
    losses = log.declaration.regularization_losses
    return [loss.multiplier for loss in losses], [loss.detached for loss in losses], log


@pytest.mark.parametrize(
    ("loss_of", "multipliers", "detached"),
    [
        (lambda n, data, own, again: data + sum(own).detach(), [0.0, 0.0], [True, True]),
        (lambda n, data, own, again: data + own[0] + own[1].detach(), [1.0, 0.0], [False, True]),
        (lambda n, data, own, again: data + sum(again()), [1.0, 1.0], [False, False]),
        (lambda n, data, own, again: data + sum(again()).detach(), [0.0, 0.0], [True, True]),
        (lambda n, data, own, again: 8 * (data + 0.5 * again()[1]), [0.0, 0.5], [False, False]),
        # Multiplied by 0 now: it may be annealed, and what it is worth the values tell.
        (lambda n, data, own, again: data + own[0] + 0.0 * own[1], [1.0, None], [False, False]),
        # What the data loss counts for is another number at each call.
        (lambda n, data, own, again: data.square() + sum(own), [None, None], [False, False]),
    ],
)
def test_where_the_penalty_is_not_what_is_added(tmp_path, loss_of, multipliers, detached):
    found, cut, _ = logged(tmp_path, loss_of)
    assert found == [None if m is None else pytest.approx(m, abs=1e-3) for m in multipliers]
    assert cut == detached


def test_accumulated_gradients_are_measured_over_all_their_parts(tmp_path):
    found, _, log = logged(
        tmp_path,
        lambda n, data, own, again: data / 4 + (sum(own) if n % 4 == 3 else 0.0),
        on_missing="raise",
    )
    assert found == [pytest.approx(1), pytest.approx(1)]
    assert len(log.vector) == 8
    assert log.declarations[0].regularization_losses[0].multiplier is None


def test_accumulation_that_ends_early_is_judged_by_what_there_is(tmp_path):
    found, _, _ = logged(tmp_path, lambda n, data, own, again: data / 4, calls=2)
    assert found == [0.0, 0.0]


@pytest.mark.parametrize(
    ("strength", "multipliers"),
    [
        (lambda n: 1.0 if n > 2 else 0.0, [1.0, 1.0]),
        (lambda n: n / 8, [None, None]),
        (lambda n: 1.0 if n % 2 else 0.0, [None, None]),
        (lambda n: 2.0, [2.0, 2.0]),
    ],
)
def test_strength_that_changes(tmp_path, strength, multipliers):
    found, _, log = logged(tmp_path, lambda n, data, own, again: data + strength(n) * sum(own))
    assert found == multipliers
    assert len(log.vector) == 8


def test_lists_that_take_turns_are_measured_once_each(tmp_path):
    logger = regloss_torch.Losses(tmp_path)
    weight = torch.ones(3, requires_grad=True)
    for step in range(6):
        data_loss, penalty = (weight - 2).square().mean(), weight.square().sum()
        penalties = {"l2": penalty} if step % 2 else {"l2": penalty, "l1": weight.abs().sum()}
        logger.add(step, data_loss, penalties, data_loss + sum(penalties.values()))
    logger.close()
    log = written_logs.read(tmp_path)
    assert sorted(len(rows[0][1]) for rows in log.vectors.values()) == [1, 2]
    assert [loss.name for loss in log.declaration.regularization_losses] == ["l2"]
    for declared in log.declarations:
        assert {loss.multiplier for loss in declared.regularization_losses} == {1.0}


def test_after_backward_is_said_once_and_logged(tmp_path):
    logger = regloss_torch.Losses(tmp_path, on_missing="raise")
    weight, scale = torch.ones(3, requires_grad=True), torch.tensor(8.0, requires_grad=True)

    def add(step):
        data_loss, penalty = (weight - 2).square().mean(), weight.square().sum()
        loss = (data_loss + penalty) * scale
        loss.backward()
        logger.add(step, data_loss, {"l2": penalty}, loss)

    with pytest.warns(UserWarning, match=r"call add\(\) before backward"):
        add(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        add(1)
    logger.close()
    log = written_logs.read(tmp_path)
    assert len(log.vector) == 2
    assert log.declaration.regularization_losses[0].multiplier is None


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
