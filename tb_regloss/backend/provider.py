# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's DataProvider, asked with what each of its calls wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from tb_regloss import metadata

SCALARS_PLUGIN = "scalars"
# The provider has thinned the series out already (`loader.SAMPLES`); no second time.
ALL_POINTS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Provider:
    """TensorBoard's DataProvider with what each of its calls wants."""

    provider: Any
    context: Any
    experiment: str = ""

    def runs(self) -> list[str]:
        """Returns the names of all runs that the provider knows."""
        found = self.provider.list_runs(self.context, experiment_id=self.experiment)
        return [run.run_name for run in found]

    def call(self, method: str, plugin: str, runs: Iterable[str], tags: Any, **more: Any) -> Any:
        """Calls `list_scalars`, `read_tensors`, ... for these runs and tags (`None`: all)."""
        from tensorboard.data import provider as provider_types

        return getattr(self.provider, method)(
            self.context,
            experiment_id=self.experiment,
            plugin_name=plugin,
            # gRPC refuses the whole question for one name that is no Unicode text.
            run_tag_filter=provider_types.RunTagFilter(runs=filter(_is_text, runs), tags=tags),
            **more,
        )

    def scalar_tags(self, runs: Sequence[str]) -> dict[str, set[str]]:
        """Returns by run the tags of all scalars, ours included."""
        found: dict[str, set[str]] = {run: set() for run in runs}
        for plugin in (metadata.PLUGIN_NAME, SCALARS_PLUGIN):
            listed = self.call("list_scalars", plugin, runs, None)
            for run, tags in found.items():
                tags.update(listed.get(run, ()))
        return found

    def listings(self, runs: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """Returns for each run a value that changes when one of its series grows."""
        listings: dict[str, list[Any]] = {run: [] for run in runs}
        for method, plugin in (
            ("list_scalars", metadata.PLUGIN_NAME),
            ("list_tensors", metadata.PLUGIN_NAME),
            ("list_scalars", SCALARS_PLUGIN),
        ):
            found = self.call(method, plugin, runs, None)
            for run, listing in listings.items():
                for tag, series in sorted(found.get(run, {}).items()):
                    listing.append((method, plugin, tag, series.max_step, series.max_wall_time))
        return {run: tuple(listing) for run, listing in listings.items()}


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
