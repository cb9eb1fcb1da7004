# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A torch program around one line that makes the loss; a test puts the line in."""

import sys

import torch
from torch.utils.tensorboard import SummaryWriter

from tb_regloss.summary.torch import Losses

torch.manual_seed(1)
model = torch.nn.Linear(6, 3)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
with SummaryWriter(sys.argv[1]) as writer:
    logger = Losses(writer, model, optimizer)
    for step in range(3):
        data_loss = torch.nn.functional.cross_entropy(model(torch.rand(4, 6)), torch.arange(4) % 3)
        penalty = 0.001 * model.weight.square().sum()
        loss = ...
        logger.add(step, data_loss, {"weight": penalty}, loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
