# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which output port "op:name:1" means inside a function body.

A GraphDef numbers the outputs of an op, a FunctionDef names them. Only ops
with several named outputs need a row; the names are those of TensorFlow's op
registry (`tensorflow/core/ops/*.cc`, read at 2.21). A name that ends in `*`
is a list of outputs: everything after it would need the list's length, and no
op here has such a one.
"""

from __future__ import annotations

_NAMES: dict[str, tuple[str, ...]] = {}


def _row(outputs: str, *ops: str) -> None:
    for op in ops:
        _NAMES[op] = tuple(outputs.split())


_row("output_false output_true", "Switch", "RefSwitch")
_row("output value_index", "Merge", "RefMerge")
_row("r0 r1", "BroadcastGradientArgs")
_row("loss backprop", "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits")
_row("loss gradient", "CTCLoss", "CTCLossV2")
_row("y batch_mean batch_variance reserve_space_1 reserve_space_2", "FusedBatchNorm")
_row("y batch_mean batch_variance reserve_space_1 reserve_space_2", "FusedBatchNormV2")
_row(
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3",
    "FusedBatchNormV3",
    "_FusedBatchNormEx",
)
_row(
    "x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4",
    "FusedBatchNormGrad",
    "FusedBatchNormGradV2",
)
_row(
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5",
    "FusedBatchNormGradV3",
)
_row("output_handle tensor", "TensorListPopBack")
_row("handle flow", "TensorArrayV3")
_row("grad_handle flow_out", "TensorArrayGradV3", "TensorArrayGradWithShape")
_row("value lengths", "TensorArrayConcatV3")
_row("tensor lengths", "TensorListConcat", "TensorListConcatV2")
_row("y idx", "Unique", "UniqueV2")
_row("y idx count", "UniqueWithCounts", "UniqueWithCountsV2")
_row("values indices", "TopK", "TopKV2", "ApproxTopK")
_row("output argmax", "MaxPoolWithArgmax")
_row("output output_h output_c reserve_space", "CudnnRNN")
_row("output output_h output_c reserve_space host_reserved", "CudnnRNNV2", "CudnnRNNV3")
_row(
    "input_backprop input_h_backprop input_c_backprop params_backprop",
    "CudnnRNNBackprop",
    "CudnnRNNBackpropV2",
    "CudnnRNNBackpropV3",
)
_row("r u c h", "GRUBlockCell")
_row("d_x d_h_prev d_c_bar d_r_bar_u_bar", "GRUBlockCellGrad")
_row("i cs f o ci co h", "BlockLSTM", "BlockLSTMV2", "LSTMBlockCell")
_row(
    "x_grad cs_prev_grad h_prev_grad w_grad wci_grad wcf_grad wco_grad b_grad",
    "BlockLSTMGrad",
    "BlockLSTMGradV2",
)
_row("e v", "SelfAdjointEigV2", "Eig")
_row("s u v", "Svd")
_row("q r", "Qr")
_row("lu p", "Lu")
_row("sign log_abs_determinant", "LogMatrixDeterminant")
_row("output segments", "IsotonicRegression")
_row("sampled_candidates true_expected_count sampled_expected_count", "LogUniformCandidateSampler")
_row("sampled_candidates true_expected_count sampled_expected_count", "UniformCandidateSampler")
_row("indices ids weights", "ComputeAccidentalHits")
_row("output_indices output_values empty_row_indicator reverse_index_map", "SparseFillEmptyRows")
_row("d_values d_default_value", "SparseFillEmptyRowsGrad")
_row("indices values dense_shape", "CSRSparseMatrixToSparseTensor")
_row("indices values shape", "SparseAccumulatorTakeGradient")
_row("key counter", "StatelessRandomGetKeyCounter")
_row("out idx", "ListDiff")
_row("activations min_activations max_activations", "QuantizedRelu")


def output_port(op: str, output: str, position: int) -> int:
    """Returns the port number of `op:output:position`.

    >>> output_port("Switch", "output_true", 0)
    1
    >>> output_port("Split", "output", 3)
    3
    """
    names = _NAMES.get(op)
    if names is None or output not in names:
        return position
    return names.index(output) + position
