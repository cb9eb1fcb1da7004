# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What each op does to value and gradient: the one table that all analyses read.

A row says which inputs carry *value* into the output. An index, a shape, an
axis or a predicate decides which values flow and where, but is no value
itself: a penalty on gathered rows reads only the variable. Ops without a row
pass value from all inputs, are not linear, and produce no data of their own.

Sources: the op definitions in TensorFlow 2.21, `tensorflow/core/ops/`, file
in the comment above each block; gradients in `tensorflow/python/ops/*_grad.py`.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Sequence


class Kind(enum.Enum):
    """How an op treats a value."""

    OTHER = "other"
    CONSTANT = "constant"  # the same at each step
    DATA = "data"  # brings in data (or noise) from outside
    PLACEHOLDER = "placeholder"  # data, a hyperparameter or a captured handle
    VARIABLE = "variable"  # a handle or, for ref variables, the value itself
    READ = "read"  # the value behind a handle
    SHAPE = "shape"  # depends on shapes only
    PASS = "pass"  # output k is value input 0, at most reshaped or cast
    PORTS = "ports"  # output k is input k
    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    LINEAR = "linear"  # linear in its value inputs together
    CHOICE = "choice"  # one of its value inputs
    CLIP = "clip"  # elementwise bounds on input 0
    PUSH = "push"  # puts input 1 into the container behind input 0
    ALL_REDUCE = "all_reduce"  # sums or averages over replicas
    CUT = "cut"  # value passes, gradient does not


ALL = None  # all inputs carry value


@dataclasses.dataclass(frozen=True)
class Row:
    """One op's meaning.

    Attributes:
      kind: see `Kind`.
      values: positions of the inputs that carry value, negative ones from the
        end, `ALL` for all.
      but_last: the last input does not carry value, all others do.
    """

    kind: Kind
    values: tuple[int, ...] | None = ALL
    but_last: bool = False


class _Table(dict[str, Row]):
    """Rows by op type; an unknown one has a cautious default."""

    def __missing__(self, op: str) -> Row:
        return _OTHER


_OTHER = Row(Kind.OTHER)
_TABLE = _Table()

# Returns the meaning of an op type. A bound method of the dict itself: it is
# asked several times for each of a million nodes.
row = _TABLE.__getitem__


def _row(
    kind: Kind, ops: str, values: tuple[int, ...] | None = ALL, but_last: bool = False
) -> None:
    row = Row(kind, values, but_last)
    for op in ops.split():
        _TABLE[op] = row


# array_ops.cc, state_ops.cc, resource_variable_ops.cc
_row(Kind.OTHER, "ScatterAdd ScatterSub ScatterUpdate ScatterNdAdd ScatterNdSub", (0, 2))
_row(
    Kind.CONSTANT,
    "Const HostConst ImmutableConst NoOp VarIsInitializedOp IsVariableInitialized",
    (),
)
_row(Kind.VARIABLE, "Variable VariableV2 VarHandleOp _VarHandlesOp TemporaryVariable", ())
_row(Kind.READ, "ReadVariableOp _ReadVariablesOp", (0,))
_row(Kind.READ, "ResourceGather ResourceGatherNd", (0,))
_row(Kind.PLACEHOLDER, "Placeholder PlaceholderV2 _Arg _DeviceArg", ())
_row(Kind.PLACEHOLDER, "PlaceholderWithDefault", ())
_row(Kind.SHAPE, "Shape ShapeN Size Rank ZerosLike OnesLike VariableShape TensorArraySizeV3", ())
_row(
    Kind.SHAPE,
    "Empty EmptyTensorList TensorListReserve TensorListLength TensorListElementShape",
    (),
)
_row(Kind.SHAPE, "BroadcastGradientArgs BroadcastArgs ConcatOffset InvertPermutation Range", ALL)

# Value unchanged, gradient unchanged (array_grad.py, control_flow_grad.py).
_row(
    Kind.PASS,
    "Identity RefIdentity Snapshot CheckNumerics CheckNumericsV2 _Retval EnsureShape",
    (0,),
)
_row(
    Kind.PASS,
    "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugGradientIdentity Copy CopyHost",
    (0,),
)
_row(Kind.PASS, "DebugGradientRefIdentity XlaSharding OptimizationBarrier Print", (0,))
_row(Kind.PASS, "Reshape Squeeze ExpandDims Transpose ConjugateTranspose Cast Real Conj", (0,))
_row(Kind.PASS, "Enter RefEnter Exit RefExit NextIteration RefNextIteration Switch RefSwitch", (0,))
_row(
    Kind.PASS, "BroadcastTo Tile Reverse ReverseV2 Roll MatrixTranspose TensorListFromTensor", (0,)
)
_row(Kind.PASS, "TensorListStack TensorListPopBack TensorListGetItem TensorListGather", (0,))
_row(Kind.PASS, "TensorListConcat TensorListConcatV2 TensorListResize", (0,))
_row(Kind.PASS, "TensorArrayReadV3 TensorArrayGatherV3", (2,))
_row(Kind.PASS, "TensorArrayConcatV3 TensorArrayGradV3", (1,))
_row(Kind.PASS, "StackPop StackPopV2", (0,))
_row(Kind.PASS, "OptionalFromValue OptionalGetValue", (0,))
_row(Kind.CONSTANT, "OptionalNone", ())
_row(Kind.PORTS, "IdentityN", ALL)
_row(Kind.CUT, "StopGradient PreventGradient", (0,))

# math_ops.cc
_row(Kind.ADD, "Add AddV2 AddN AccumulateNV2 BiasAdd BiasAddV1 _AddN", ALL)
_row(Kind.SUBTRACT, "Sub", ALL)
_row(Kind.MULTIPLY, "Mul MulNoNan", ALL)
_row(Kind.DIVIDE, "Div RealDiv DivNoNan Xdivy", ALL)
_row(Kind.LINEAR, "Neg", (0,))
_row(Kind.LINEAR, "Sum Mean SegmentSum SegmentMean UnsortedSegmentSum Cumsum BiasAddGrad", (0,))
_row(Kind.LINEAR, "SparseSegmentSum SparseSegmentMean SparseSegmentSqrtN", (0,))
_row(Kind.OTHER, "Prod Max Min All Any ArgMax ArgMin Cumprod UnsortedSegmentMax", (0,))
_row(Kind.OTHER, "EuclideanNorm SegmentMax SegmentMin SegmentProd UnsortedSegmentProd", (0,))

# Parts of a tensor (array_ops.cc): positions are no value.
_row(Kind.LINEAR, "Gather GatherV2 GatherNd Slice StridedSlice Pad MirrorPad PadV2", (0,))
_row(Kind.LINEAR, "StridedSliceGrad", (4,))
_row(Kind.LINEAR, "ScatterNd", (1,))
_row(Kind.LINEAR, "TensorScatterUpdate TensorScatterAdd", (0, 2))
_row(Kind.LINEAR, "Pack Unpack ParallelConcat", ALL)
_row(Kind.LINEAR, "Split", (1,))
_row(Kind.LINEAR, "SplitV", (0,))
_row(Kind.LINEAR, "ConcatV2", ALL, True)
_row(Kind.LINEAR, "DynamicStitch ParallelDynamicStitch", ALL)
_row(Kind.LINEAR, "Fill", (1,))
_row(Kind.LINEAR, "Diag DiagPart MatrixDiag MatrixDiagPart MatrixBandPart Trace", (0,))
_row(Kind.LINEAR, "MatrixDiagV2 MatrixDiagV3 MatrixDiagPartV2 MatrixDiagPartV3", (0,))
_row(Kind.LINEAR, "MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3", (0, 1))

# control_flow_ops.cc, functional_ops.cc; predicates are no value.
_row(Kind.CHOICE, "Select SelectV2", (1, 2))
_row(Kind.CHOICE, "Merge RefMerge _LoopVar", ALL)
_row(Kind.CHOICE, "_If", ALL, True)
_row(Kind.OTHER, "_Call", ())
_row(Kind.CONSTANT, "LoopCond ControlTrigger", ())
_row(Kind.CLIP, "ClipByValue Minimum Maximum", ALL)

# data_flow_ops.cc, list_ops.cc: containers
_row(Kind.PUSH, "TensorListPushBack", (0, 1))
_row(Kind.PUSH, "TensorListSetItem", (0, 2))
_row(Kind.PUSH, "TensorListScatterIntoExistingList", (0, 1))
_row(Kind.PASS, "TensorListScatter TensorListScatterV2", (0,))
_row(Kind.PUSH, "StackPush StackPushV2", (1,))
_row(Kind.PUSH, "TensorArrayWriteV3 TensorArrayScatterV3", (2, 3))
_row(Kind.PUSH, "TensorArraySplitV3", (1, 3))
_row(Kind.CONSTANT, "TensorArrayV3 StackV2 MutableHashTableV2", ())
_row(Kind.CONSTANT, "ConditionalAccumulator ResourceConditionalAccumulator", ())
_row(Kind.CONSTANT, "SparseConditionalAccumulator", ())
_row(Kind.PASS, "AccumulatorTakeGradient ResourceAccumulatorTakeGradient", ())
_row(Kind.PASS, "SparseAccumulatorTakeGradient", ())

# collective_ops.cc, nccl_ops.cc, xla; horovod/tensorflow/mpi_ops.cc
_row(Kind.ALL_REDUCE, "CollectiveReduce CollectiveReduceV2 CollectiveReduceV3", (0,))
_row(Kind.ALL_REDUCE, "NcclAllReduce _NcclReduceSend NcclReduce CrossReplicaSum XlaAllReduce", (0,))
_row(Kind.ALL_REDUCE, "HorovodAllreduce HorovodGroupedAllreduce HorovodAllgather", ALL)
_row(
    Kind.PASS, "CollectiveGather CollectiveGatherV2 CollectiveBcastSend CollectiveBcastSendV2", (0,)
)

# nn_ops.cc, math_ops.cc: linear in one operand when the other one is fixed.
_row(Kind.OTHER, "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseMatMul Einsum", ALL)
_row(Kind.OTHER, "Conv2D Conv3D Conv1D Conv DepthwiseConv2dNative", ALL)
_row(Kind.OTHER, "Conv2DBackpropInput DepthwiseConv2dNativeBackpropInput", (1, 2))
_row(Kind.OTHER, "Conv2DBackpropFilter DepthwiseConv2dNativeBackpropFilter", (0, 2))
_row(Kind.OTHER, "Conv3DBackpropInputV2", (1, 2))
# Running statistics get no gradient, and are read for nothing in training (nn_grad.py).
_row(Kind.OTHER, "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3", (0, 1, 2))
_row(Kind.OTHER, "Conv3DBackpropFilterV2", (0, 2))

# linalg_ops.cc, math_ops.cc, nn_ops.cc, spectral_ops.cc: functions of all that they read.
_row(Kind.OTHER, "Cholesky CholeskyGrad Svd Qr Lu Eig SelfAdjointEig SelfAdjointEigV2 Cross", ALL)
_row(Kind.OTHER, "MatrixDeterminant LogMatrixDeterminant MatrixInverse MatrixSolve", ALL)
_row(Kind.OTHER, "MatrixTriangularSolve MatrixSolveLs MatrixExponential MatrixLogarithm", ALL)
_row(Kind.OTHER, "MatrixSquareRoot FFT IFFT FFT2D IFFT2D FFT3D IFFT3D RFFT IRFFT RFFT2D", ALL)
_row(Kind.OTHER, "IRFFT2D Complex Imag Angle Acos Acosh Asin Asinh Atan Atan2 Atanh Cosh", ALL)
_row(Kind.OTHER, "Sinh Tan Erf Erfc Erfinv Ndtri Lgamma Digamma Polygamma Zeta Igamma", ALL)
_row(Kind.OTHER, "Igammac Betainc Xlogy Xlog1py CumulativeLogsumexp Elu EluGrad Selu", ALL)
_row(Kind.OTHER, "SeluGrad Softsign SoftsignGrad LeakyRelu LeakyReluGrad", ALL)

# nn_ops.cc, image_ops.cc, candidate_sampling_ops.cc, set_ops.cc, sparse_ops.cc: what they make
# of activations and of data is no longer linear in anything, and no penalty.
_row(Kind.OTHER, "SparseSoftmaxCrossEntropyWithLogits SoftmaxCrossEntropyWithLogits", (0, 1))
_row(Kind.OTHER, "Softmax LogSoftmax Relu6 Relu6Grad LRN LRNGrad TopK TopKV2 NthElement", ALL)
_row(Kind.OTHER, "MaxPool MaxPoolV2 MaxPoolGrad MaxPoolGradGrad MaxPoolWithArgmax", ALL)
_row(Kind.OTHER, "AvgPool AvgPoolGrad MaxPool3D MaxPool3DGrad AvgPool3D AvgPool3DGrad", ALL)
_row(Kind.OTHER, "FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 InTopK", ALL)
_row(Kind.OTHER, "CTCLoss CTCLossV2 CTCGreedyDecoder CTCBeamSearchDecoder ReverseSequence", ALL)
_row(Kind.OTHER, "ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeBicubic", (0,))
_row(Kind.OTHER, "ResizeNearestNeighborGrad ResizeArea CropAndResize ExtractImagePatches", ALL)
_row(Kind.OTHER, "CropAndResizeGradImage NonMaxSuppressionV2 NonMaxSuppressionV3 RGBToHSV", ALL)
_row(Kind.OTHER, "HSVToRGB AdjustContrastv2 AdjustSaturation AdjustHue DrawBoundingBoxes", ALL)
_row(Kind.OTHER, "LogUniformCandidateSampler ComputeAccidentalHits DenseToDenseSetOperation", ALL)
_row(Kind.OTHER, "SparseToDense SparseReshape SparseReorder OneHot Unique UniqueV2 ListDiff", ALL)
_row(Kind.OTHER, "StringToHashBucketFast Substr StringJoin StatelessRandomGetKeyCounter", ALL)
_row(Kind.OTHER, "LogicalOr LogicalAnd LogicalNot Rint InTopKV2 DecodeGif DecodeBmp", ALL)

# rnn_ops.cc, cudnn_rnn_ops.cc: whole layers that read their weights, and the gradients of these.
_row(Kind.OTHER, "CudnnRNN CudnnRNNV2 CudnnRNNV3 CudnnRNNBackprop CudnnRNNBackpropV2", ALL)
_row(Kind.OTHER, "CudnnRNNBackpropV3 CudnnRNNParamsSize CudnnRNNCanonicalToParams", ALL)
_row(Kind.OTHER, "CudnnRNNCanonicalToParamsV2 CudnnRNNParamsToCanonical", ALL)
_row(Kind.OTHER, "CudnnRNNParamsToCanonicalV2 BlockLSTM BlockLSTMV2 BlockLSTMGrad", ALL)
_row(Kind.OTHER, "BlockLSTMGradV2 LSTMBlockCell LSTMBlockCellGrad GRUBlockCell", ALL)
_row(Kind.OTHER, "GRUBlockCellGrad", ALL)
# array_ops.cc, nn_ops.cc, image_ops.cc: they rearrange activations and pictures, or pool them.
_row(Kind.OTHER, "SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND SpaceToDepth", ALL)
_row(Kind.OTHER, "DepthToSpace DynamicPartition Bitcast TileGrad MirrorPadGrad LinSpace", ALL)
_row(Kind.OTHER, "DataFormatVecPermute DataFormatDimMap Dilation2D Dilation2DBackpropInput", ALL)
_row(Kind.OTHER, "Dilation2DBackpropFilter FractionalMaxPool FractionalMaxPoolGrad", ALL)
_row(Kind.OTHER, "FractionalAvgPool FractionalAvgPoolGrad MaxPoolGradV2 MaxPoolGradGradV2", ALL)
_row(Kind.OTHER, "MaxPoolGradWithArgmax MaxPool3DGradGrad BatchNormWithGlobalNormalization", ALL)
_row(Kind.OTHER, "BatchNormWithGlobalNormalizationGrad NonMaxSuppression", ALL)
_row(Kind.OTHER, "NonMaxSuppressionV4 NonMaxSuppressionV5 CombinedNonMaxSuppression", ALL)
_row(Kind.OTHER, "UniformCandidateSampler LearnedUnigramCandidateSampler", ALL)
_row(Kind.OTHER, "FixedUnigramCandidateSampler AllCandidateSampler ExtractVolumePatches", ALL)
_row(Kind.OTHER, "ScaleAndTranslate ScaleAndTranslateGrad ResizeBicubicGrad", ALL)
_row(Kind.OTHER, "CropAndResizeGradBoxes ImageProjectiveTransformV2", ALL)
_row(Kind.OTHER, "ImageProjectiveTransformV3 SampleDistortedBoundingBox", ALL)
_row(Kind.OTHER, "SampleDistortedBoundingBoxV2 DrawBoundingBoxesV2 ApproxTopK EditDistance", ALL)
_row(Kind.OTHER, "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient", ALL)
_row(Kind.OTHER, "FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient", ALL)
_row(Kind.OTHER, "FakeQuantWithMinMaxVarsPerChannel", ALL)
_row(Kind.OTHER, "FakeQuantWithMinMaxVarsPerChannelGradient QuantizeAndDequantize", ALL)
_row(Kind.OTHER, "QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4", ALL)
_row(Kind.OTHER, "QuantizeAndDequantizeV4Grad", ALL)
# sparse_ops.cc, math_ops.cc, ragged_*.cc: sparse and ragged activations.
_row(Kind.OTHER, "SparseTensorDenseMatMul SparseTensorDenseAdd SparseAdd SparseAddGrad", ALL)
_row(Kind.OTHER, "SparseReduceSum SparseReduceSumSparse SparseReduceMax", ALL)
_row(Kind.OTHER, "SparseDenseCwiseMul SparseDenseCwiseAdd SparseDenseCwiseDiv", ALL)
_row(Kind.OTHER, "SparseSoftmax SparseSlice SparseSliceGrad SparseConcat SparseSplit", ALL)
_row(Kind.OTHER, "SparseFillEmptyRows SparseFillEmptyRowsGrad SparseSegmentSumGrad", ALL)
_row(Kind.OTHER, "SparseSegmentMeanGrad SparseSegmentSqrtNGrad SparseSegmentSumGradV2", ALL)
_row(Kind.OTHER, "SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2", ALL)
_row(Kind.OTHER, "SparseSegmentSumWithNumSegments SparseSegmentMeanWithNumSegments", ALL)
_row(Kind.OTHER, "SparseSegmentSqrtNWithNumSegments SparseCross SparseCrossV2", ALL)
_row(Kind.OTHER, "SparseCrossHashed RaggedTensorToTensor RaggedGather RaggedRange", ALL)
_row(Kind.OTHER, "RaggedTensorToVariant RaggedTensorFromVariant", ALL)
_row(Kind.OTHER, "RaggedTensorToVariantGradient Bincount DenseBincount SparseBincount", ALL)
_row(Kind.OTHER, "RaggedBincount UnsortedSegmentMin SegmentMinV2 SegmentMaxV2", ALL)
_row(Kind.OTHER, "SegmentProdV2 UniqueWithCounts UniqueWithCountsV2", ALL)

# string_ops.cc, parsing_ops.cc, lookup_ops.cc: texts and tables. Our own summaries are made so,
# and no loss comes back out of them.
_row(Kind.OTHER, "SerializeTensor AsString StringFormat EncodeBase64 EncodePng EncodeJpeg", ())
_row(Kind.OTHER, "LookupTableInsert LookupTableInsertV2", ())

# io_ops.cc, data_flow_ops.cc, dataset_ops.cc, parsing_ops.cc
_row(Kind.DATA, "RecordInput", ())
_row(Kind.DATA, "IteratorGetNext IteratorGetNextSync IteratorGetNextAsOptional", ())
_row(Kind.DATA, "MultiDeviceIteratorGetNextFromShard QueueDequeue QueueDequeueV2 Recv _Recv", ())
_row(Kind.DATA, "QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2", ())
_row(Kind.DATA, "ReaderRead ReaderReadV2 ReaderReadUpToV2 ReadFile ParseExample ParseExampleV2", ())
_row(
    Kind.DATA,
    "ParseSingleExample ParseSequenceExample DecodeRaw DecodeJpeg DecodePng DecodeCSV",
    (),
)
_row(Kind.DATA, "PyFunc PyFuncStateless EagerPyFunc GeneratorDataset RandomShuffle Unstage", ())
_row(Kind.DATA, "InfeedDequeue InfeedDequeueTuple BarrierTakeMany LookupTableFindV2 RestoreV2", ())
_row(Kind.DATA, "Restore RestoreSlice BatchFunction", ())
# random_ops.cc, stateless_random_ops*.cc
_row(
    Kind.DATA,
    "RandomUniform RandomNormal RandomStandardNormal TruncatedNormal RandomUniformInt",
    (),
)
_row(Kind.DATA, "ParameterizedTruncatedNormal RandomGamma RandomPoisson RandomPoissonV2", ())
_row(Kind.DATA, "Multinomial StatelessRandomUniform StatelessRandomUniformV2", ())
_row(Kind.DATA, "StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormal", ())
_row(Kind.DATA, "StatelessTruncatedNormalV2 StatelessRandomUniformInt StatelessMultinomial", ())
_row(Kind.DATA, "StatelessRandomUniformIntV2 StatelessRandomUniformFullInt", ())
_row(Kind.DATA, "StatefulUniform StatefulStandardNormalV2 StatefulTruncatedNormal", ())

# Ops in which two operands that are both parameters make a penalty, but a
# stored tensor with a parameter makes a prediction.
CONTRACTIONS = frozenset(
    [
        "MatMul",
        "BatchMatMul",
        "BatchMatMulV2",
        "BatchMatMulV3",
        "SparseMatMul",
        "Einsum",
        "Conv2D",
        "Conv3D",
        "Conv1D",
        "DepthwiseConv2dNative",
        "SparseTensorDenseMatMul",
    ]
)

# Ops of loops: what they carry is followed once around, not through all iterations.
LOOPS = frozenset(
    [
        "_LoopVar",
        "NextIteration",
        "RefNextIteration",
        "StackPopV2",
        "StackPop",
        "TensorListPopBack",
        "TensorArrayReadV3",
        "TensorListStack",
        "TensorListGetItem",
    ]
)

# Ops whose gradient is zero or does not exist, beside `Kind.CUT`
# (`ops.NotDifferentiable` in tensorflow/python/ops/*.py).
NOT_DIFFERENTIABLE = frozenset(
    [
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Rint",
        "ArgMax",
        "ArgMin",
        "Equal",
        "NotEqual",
        "Less",
        "LessEqual",
        "Greater",
        "GreaterEqual",
        "LogicalAnd",
        "LogicalOr",
        "LogicalNot",
        "IsFinite",
        "IsNan",
        "IsInf",
        "Bucketize",
        "OneHot",
        "PyFunc",
        "EagerPyFunc",
    ]
)

# What is compared chooses between values, and is none of them.
COMPARISONS = ("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "IsFinite")

# A loss that only ends in one of these is shown to people, not trained on.
_SUMMARY = re.compile(r"Summary|^(PrintV2|Assert|WriteFile|LogEvents)")


def is_known(op: str) -> bool:
    """Whether the table has a row for this op type."""
    return op in _TABLE


@functools.cache
def is_summary(op: str) -> bool:
    """Whether an op only shows its inputs to people."""
    return _SUMMARY.search(op) is not None


def value_inputs(op: str, inputs: Sequence[int]) -> Sequence[int]:
    """Returns those of a node's inputs that carry value."""
    found = row(op)
    values = found.values
    if values is None:
        return inputs[:-1] if found.but_last else inputs
    if values == (0,):
        return inputs[:1]
    count = len(inputs)
    return [inputs[position] for position in values if -count <= position < count]
