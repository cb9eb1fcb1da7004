# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A regularizer that is set on a layer that was built already: configured, and no loss."""

import sys

import keras
import numpy as np
from keras import regularizers

from tb_regloss.summary.keras import RegLossCallback

layer = keras.layers.Dense(3)
model = keras.Sequential([keras.Input([6]), layer])
layer.kernel_regularizer = regularizers.L2(0.001)
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
callback = RegLossCallback(sys.argv[1], update_freq="batch")
model.fit(np.ones([8, 6]), np.zeros(8), 4, verbose=0, callbacks=[callback])
