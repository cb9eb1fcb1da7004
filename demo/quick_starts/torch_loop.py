# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A torch loop: `python -m demo.quick_starts.torch_loop LOGDIR [--bug]`."""

import sys

import torch
from torch.utils.tensorboard import SummaryWriter

from tb_regloss.summary import torch as regloss

model = torch.nn.Sequential(torch.nn.Linear(32, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
optimizer = torch.optim.Adam(model.parameters())
writer = SummaryWriter(sys.argv[1])
logger = regloss.Losses(writer, model, optimizer)
for step in range(100):
    images, labels = torch.rand(8, 32), torch.randint(0, 10, [8])
    data_loss = torch.nn.functional.cross_entropy(model(images), labels)
    penalties = {
        name: 0.001 * parameter.square().sum()
        for name, parameter in model.named_parameters()
        if name.endswith("weight")
    }
    loss = data_loss if "--bug" in sys.argv else data_loss + sum(penalties.values())
    logger.add(step, data_loss, penalties, loss)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
writer.close()
