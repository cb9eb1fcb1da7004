# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The entry point that TensorBoard finds: cheap to import, and it raises our sample counts."""

from __future__ import annotations

import argparse
from typing import Any

from tensorboard.plugins import base_plugin

from tb_regloss.metadata import PLUGIN_NAME

# Of a plugin that TensorBoard does not know, its Python reader keeps 10 points
# a series, and its Rust reader 100 of tensors; 1,000 is what scalars get.
SAMPLES = 1000


class RegLossLoader(base_plugin.TBLoader):  # type: ignore[misc]  # TensorBoard has no types
    """Loads the plugin, with as many samples as TensorBoard's own scalars have."""

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Raises our number of samples, unless the user chose one (`--samples_per_plugin`)."""
        flags.samples_per_plugin.setdefault(PLUGIN_NAME, SAMPLES)

    def load(self, context: base_plugin.TBContext) -> Any:
        """Returns the plugin."""
        from tb_regloss.backend import plugin

        return plugin.RegLossPlugin(context)
