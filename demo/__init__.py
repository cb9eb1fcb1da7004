# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The case that this project exists for, run for real: `sh demo/run`.

A MobileNetV2 of tf-slim layers is trained with two optimized losses, the data
loss alone (`bug`) and the total loss (`fixed`), at three weight decays each.
"""
