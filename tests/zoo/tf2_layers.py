# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: the regularizers of many kinds of Keras layers, and layers that only look alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_keras import cross_entropy, declare, optimizers, spied
from tests.zoo.tf2_program import Program, register

layers = keras.layers


def l2(p: Program, key: str) -> Any:
    """An L2 whose strength the oracle can multiply."""
    return keras.regularizers.L2(p.strength(key))


def loop(
    p: Program,
    mutation: str,
    model: Any,
    x: Any,
    y: Any,
    named: Sequence[tuple[str, Any]],
    optimizer: Any = None,
    extra: Callable[[Any], Any] | None = None,
) -> None:
    """A GradientTape loop with the model's losses; `named` says whose each is."""
    variables = model.trainable_variables
    optimizer = spied(p, optimizer or optimizers.Adam(0.01), variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            data = cross_entropy(y, logits)
            if extra is not None:
                data = data + extra(x)
            data = p.data(data)
            losses = model.losses
            assert len(losses) == len(named), (losses, [k for k, _ in named])
            declare(p, losses, [v for _, v in named], [k for k, _ in named])
            loss = p.combine(data, mutation) if named else p.optimized(data)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    p.trace(step, x, y)
    if not named:
        p.run = "no_regularization"


def _pictures(p: Program) -> tuple[Any, Any]:
    x = p.random.normal(size=(3, 4, 4, 2)).astype("float32")
    return tf.constant(x), tf.constant([0, 1, 2])


def _sentences(p: Program) -> tuple[Any, Any]:
    x = p.random.normal(size=(3, 4, 2)).astype("float32")
    return tf.constant(x), tf.constant([0, 1, 2])


def separable(p: Program, mutation: str) -> None:
    """SeparableConv2D, BatchNormalization with beta and gamma regularizers, Conv2DTranspose."""
    x, y = _pictures(p)
    first = layers.SeparableConv2D(
        3, 2, depthwise_regularizer=l2(p, "depth"), pointwise_regularizer=l2(p, "point")
    )
    norm = layers.BatchNormalization(
        beta_regularizer=l2(p, "beta"), gamma_regularizer=l2(p, "gamma")
    )
    last = layers.Conv2DTranspose(2, 2, kernel_regularizer=l2(p, "up"), bias_regularizer=l2(p, "b"))
    model = keras.Sequential(
        [keras.Input([4, 4, 2]), first, last, norm, layers.Flatten(), layers.Dense(3)]
    )
    named = [
        ("depth", first.depthwise_kernel),
        ("point", first.pointwise_kernel),
        ("up", last.kernel),
        ("b", last.bias),
        ("gamma", norm.gamma),
        ("beta", norm.beta),
    ]
    loop(p, mutation, model, x, y, named)


def _cell(p: Program, kind: Any) -> Any:
    return kind(
        3,
        kernel_regularizer=l2(p, "kernel"),
        recurrent_regularizer=l2(p, "recurrent"),
        bias_regularizer=l2(p, "bias"),
    )


def rnn(kind: str) -> Callable[[Program, str], None]:
    """A recurrent layer with regularizers on kernel, recurrent kernel and bias."""

    def family(p: Program, mutation: str) -> None:
        x, y = _sentences(p)
        layer = _cell(p, getattr(layers, kind))
        model = keras.Sequential([keras.Input([4, 2]), layer, layers.Dense(3)])
        cell = layer.cell
        named = [
            ("kernel", cell.kernel),
            ("recurrent", cell.recurrent_kernel),
            ("bias", cell.bias),
        ]
        loop(p, mutation, model, x, y, named)

    return family


def bidirectional(p: Program, mutation: str) -> None:
    """Bidirectional copies the layer with its regularizer; TimeDistributed wraps another."""
    x, y = _sentences(p)
    both = layers.Bidirectional(
        layers.GRU(2, return_sequences=True, kernel_regularizer=l2(p, "gru"))
    )
    each = layers.TimeDistributed(layers.Dense(2, kernel_regularizer=l2(p, "each")))
    model = keras.Sequential(
        [keras.Input([4, 2]), both, each, layers.GlobalAveragePooling1D(), layers.Dense(3)]
    )
    named = [
        ("gru:0", both.forward_layer.cell.kernel),
        ("gru:1", both.backward_layer.cell.kernel),
        ("each", each.layer.kernel),
    ]
    loop(p, mutation, model, x, y, named)


def attention(p: Program, mutation: str) -> None:
    """MultiHeadAttention: one regularizer for four kernels; LayerNormalization has its own."""
    x, y = _sentences(p)
    inputs = keras.Input([4, 2])
    heads = layers.MultiHeadAttention(2, 2, kernel_regularizer=l2(p, "heads"))
    norm = layers.LayerNormalization(gamma_regularizer=l2(p, "gamma"))
    # Sharp attention: else the gradients of queries and keys drown in rounding.
    sharp = layers.Rescaling(4.0)(inputs)
    h = norm(heads(sharp, sharp) + inputs)
    out = layers.Dense(3)(layers.GlobalMaxPooling1D()(h))
    model = keras.Model(inputs, out)
    kernels = [v for v in heads.trainable_variables if "kernel" in v.path]
    named = [(f"heads:{i}", v) for i, v in enumerate(kernels)] + [("gamma", norm.gamma)]
    loop(p, mutation, model, x, y, named)


def embedding(p: Program, mutation: str) -> None:
    """An Embedding with a regularizer: sparse gradients of Keras become dense ones."""
    x = tf.constant([[0, 3, 1], [2, 2, 0]])
    y = tf.constant([0, 2])
    table = layers.Embedding(5, 3, embeddings_regularizer=l2(p, "table"))
    dense = layers.Dense(3, kernel_regularizer=l2(p, "dense"))
    model = keras.Sequential([keras.Input([3], dtype="int32"), table, layers.Flatten(), dense])
    named = [("table", table.embeddings), ("dense", dense.kernel)]
    loop(p, mutation, model, x, y, named, optimizers.SGD(0.1, momentum=0.9))


def orthogonal(p: Program, mutation: str) -> None:
    """OrthogonalRegularizer, L1L2 and a regularizer of the user's own, with constraints."""
    r = keras.regularizers
    x, y = p.batch()

    class Own(r.Regularizer):
        def __call__(self, w: Any) -> Any:
            return p.strength("own") * tf.reduce_sum(tf.math.log1p(tf.square(w)))

    first = layers.Dense(
        4,
        "tanh",
        kernel_regularizer=r.OrthogonalRegularizer(p.strength("first")),
        kernel_constraint=keras.constraints.UnitNorm(),
    )
    second = layers.Dense(
        4, "tanh", kernel_regularizer=Own(), bias_constraint=keras.constraints.NonNeg()
    )
    third = layers.Dense(3, kernel_regularizer=r.L1L2(p.strength("third"), p.strength("third")))
    model = keras.Sequential([keras.Input([5]), first, second, third])
    named = [("first", first.kernel), ("own", second.kernel), ("third", third.kernel)]
    loop(p, mutation, model, x, y, named)


def spectral(p: Program, mutation: str) -> None:
    """SpectralNormalization around a layer; a penalty only on the other layer, or none."""
    x, y = p.batch()
    inner = layers.Dense(4, "tanh")
    wrapped = layers.SpectralNormalization(inner)
    last = layers.Dense(3, kernel_regularizer=None if mutation == "none" else l2(p, "last"))
    model = keras.Sequential([keras.Input([5]), wrapped, last])
    loop(p, mutation, model, x, y, [] if mutation == "none" else [("last", last.kernel)])


def look_alikes(p: Program, mutation: str) -> None:
    """UnitNormalization, GroupNormalization, cosine logits with normalized weights; no penalty."""
    x, y = p.batch()

    class Cosine(layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(shape[-1], 3), name="w")

        def call(self, h: Any) -> Any:
            w = tf.nn.l2_normalize(tf.convert_to_tensor(self.w), axis=0)
            return 10.0 * tf.matmul(tf.nn.l2_normalize(h, axis=1), w)

    model = keras.Sequential(
        [
            keras.Input([5]),
            layers.Dense(4),
            layers.GroupNormalization(2),
            layers.UnitNormalization(),
            Cosine(),
        ]
    )
    loop(p, mutation, model, x, y, [])


def cosine_beside(p: Program, mutation: str) -> None:
    """ArcFace-like normalized class weights that carry a penalty of their own."""
    x, y = p.batch()

    class Cosine(layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(shape[-1], 3), name="w", regularizer=l2(p, "w"))

        def call(self, h: Any) -> Any:
            w = tf.nn.l2_normalize(tf.convert_to_tensor(self.w), axis=0)
            return 10.0 * tf.matmul(tf.nn.l2_normalize(h, axis=1), w)

    first, last = layers.Dense(4, kernel_regularizer=l2(p, "dense")), Cosine()
    model = keras.Sequential([keras.Input([5]), first, last])
    named = [("dense", first.kernel), ("w", last.w)]
    loop(p, mutation, model, x, y, named)


def nested(p: Program, mutation: str) -> None:
    """Subclassed models inside of one another, a list of blocks, one layer shared by two."""
    x, y = p.batch()

    class Block(keras.Model):
        def __init__(self, shared: Any, key: str) -> None:
            super().__init__()
            self.shared = shared
            self.own = layers.Dense(4, "tanh", kernel_regularizer=l2(p, key))

        def call(self, h: Any) -> Any:
            return self.own(self.shared(h))

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            shared = layers.Dense(5, kernel_regularizer=l2(p, "shared"))
            self.blocks = [Block(shared, "a"), Block(shared, "b")]
            self.head = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.head(tf.add_n([block(x) for block in self.blocks]))

    model = Net()
    model(x)
    named = [
        ("shared", model.blocks[0].shared.kernel),
        ("a", model.blocks[0].own.kernel),
        ("b", model.blocks[1].own.kernel),
    ]
    loop(p, mutation, model, x, y, named)


def half_precision(kind: str) -> Callable[[Program, str], None]:
    """bfloat16 or float16 arithmetic, or float16 variables throughout."""

    def family(p: Program, mutation: str) -> None:
        x, y = p.batch()
        options = {"dtype": kind}
        first = layers.Dense(4, "tanh", kernel_regularizer=l2(p, "first"), **options)
        second = layers.Dense(3, kernel_regularizer=l2(p, "second"), **options)
        cast = layers.Activation("linear", dtype="float32")
        model = keras.Sequential([keras.Input([5]), first, second, cast])
        named = [("first", first.kernel), ("second", second.kernel)]
        loop(p, mutation, model, x, y, named, optimizers.SGD(0.1))

    return family


_TWO = ("included", "missing")
for _family in (separable, attention, embedding, nested):
    register(f"layers_{_family.__name__}", _family, ("included", "half"), "keras")
for _family in (bidirectional, orthogonal, cosine_beside):
    register(f"layers_{_family.__name__}", _family, _TWO, "keras")
for _kind in ("SimpleRNN", "LSTM", "GRU"):
    register(f"layers_{_kind.lower()}", rnn(_kind), ("partial", "half"), "keras")
register("layers_spectral", spectral, ("included", "missing", "none"), "keras")
register("layers_look_alikes", look_alikes, ("no_regularization",), "keras")
for _kind in ("mixed_bfloat16", "mixed_float16"):
    register(f"layers_{_kind}", half_precision(_kind), ("included", "missing"), "keras")
