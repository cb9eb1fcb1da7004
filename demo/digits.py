# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Real images that come inside a PyPI package: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import sklearn.datasets

CLASSES = 10
SIZE = 32  # Pixels a side; scikit-learn's digits have 8.

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


def load() -> tuple[Images, Labels]:
    """Returns 1,797 handwritten digits `[n, 32, 32, 1]` in [-1, 1], and their classes `[n]`."""
    digits = sklearn.datasets.load_digits()
    enlarged = np.kron(digits.images, np.ones((1, SIZE // 8, SIZE // 8)))
    # The pixels are counts from 0 to 16.
    return (enlarged[..., np.newaxis] / 8 - 1).astype(np.float32), digits.target.astype(np.int32)


def batches(size: int, seed: int) -> Iterator[tuple[Images, Labels]]:
    """Yields batches without end, each epoch shuffled anew, the same for the same seed."""
    images, labels = load()
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(images))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield images[chosen], labels[chosen]
