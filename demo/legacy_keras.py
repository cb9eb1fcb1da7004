# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`tf` (TensorFlow 1's interface) and `slim`, made to work together today.

tf-slim 1.1 builds its batch norm on the layers of Keras 2. TensorFlow >= 2.16
takes these from the package tf-keras if told so before its import, and looks
for them where tf-keras no longer keeps them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator

os.environ["TF_USE_LEGACY_KERAS"] = "1"
# Both are read once, at TensorFlow's import: say errors only, use the CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@contextlib.contextmanager
def _without_greeting() -> Iterator[None]:
    """Keeps what TensorFlow's C++ part says at import, whatever is set, off standard error."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _without_greeting():
    import tensorflow

_SOUGHT = "tf_keras.legacy_tf_layers"
_KEPT = "tf_keras.src.legacy_tf_layers"
if tuple(map(int, tensorflow.__version__.split(".")[:2])) >= (2, 16):
    for _module in ("", ".base", ".convolutional", ".core", ".normalization", ".pooling"):
        sys.modules[_SOUGHT + _module] = importlib.import_module(_KEPT + _module)

import tensorflow.compat.v1 as tf
import tf_slim as slim

tensorflow.get_logger().setLevel("ERROR")

__all__ = ["slim", "tf"]
