# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of several files start from; frameworks are imported only by the tests that ask."""

from __future__ import annotations

import warnings

import pytest


@pytest.fixture
def graph():
    """A TF1 graph of the test's own."""
    tf = pytest.importorskip("tensorflow")
    with tf.Graph().as_default() as graph:
        tf.compat.v1.set_random_seed(3)
        yield graph


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request):
    """Both Keras that TensorFlow's users have, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("keras")
        # For tf-keras as well: after its own, that of 2.16 makes no weights on Python 3.12.
        module.utils.set_random_seed(1)
        if request.param == "tf_keras":
            if not module.__version__.startswith("3."):
                pytest.skip("keras is Keras 2 itself; beside a second one, load_model never ends")
            module = pytest.importorskip("tf_keras")
    yield module
    module.backend.clear_session()
