# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which tags the frameworks give to which losses: one table, no code.

A new kind of log becomes a row here. Patterns are regular expressions for the
whole tag, after evaluation tags have been taken out, spaces have become
underscores, and twins (`x (raw)`, `x__raw_`, `x_1`, `x_step` and `x_epoch`)
have been reduced to one tag that is matched as `x`. Tags that no row knows are
read by their words, see `loss_words`.
"""

from __future__ import annotations

import dataclasses

from tb_regloss.backend.loss_words import ANY_PENALTY


@dataclasses.dataclass(frozen=True)
class Convention:
    """How one framework, or one family of programs, names its losses.

    Attributes:
      framework: its name, as shown to people.
      optimized: patterns of the tag of the optimized loss, the best first; a
        named group `scope` may be used by the other patterns as `{scope}`.
      data: patterns of the data loss; all tags that match one pattern are
        its components and are summed. The first pattern that matches counts.
      regularization: likewise for the regularization losses. Patterns of its own
        are believed, `ANY_PENALTY` is not: see `doubts`.
      total: patterns of the total loss where it is logged beside the optimized.
      beside: a pattern that some tag of the run must match, evaluation tags
        included.
      unweighted: the components of the data loss are logged without the weights
        that they have in the optimized loss, so the data loss is not known.
      assured: the framework's own training step optimizes what it logs as
        `optimized`. Elsewhere the tag was chosen by the user, who may well log
        one loss and optimize another.
      note: what to know when reading these logs.
      source: where the names come from.
    """

    framework: str
    optimized: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    regularization: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    beside: str | None = None
    unweighted: bool = False
    assured: bool = False
    note: str = ""
    source: str = ""


CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        framework="TF Object Detection API",
        optimized=("Loss/normalized_total_loss", "Loss/total_loss"),
        data=(
            r"Loss/(?!normalized_total_loss|total_loss|regularization_loss)(?:.+/)?\w+_loss",
            r"Loss/(?:object_center|(?:box|keypoint|mask|densepose|track|temporal)/\w+)",
        ),
        regularization=("Loss/regularization_loss",),
        total=("Loss/total_loss",),
        beside=r"Loss/(?:\w+/)*(?:localization|classification|objectness)_loss"
        r"|Loss/(?:object_center|normalized_total_loss)",
        assured=True,
        note="normalized_total_loss, the one that is optimized, is total_loss / replicas",
        source="tensorflow/models object_detection/model_lib_v2.py, eager_train_step",
    ),
    Convention(
        framework="TF Object Detection API",
        optimized=("Losses/TotalLoss",),
        data=(r"Losses/(?:clone_\d+/)?Loss/.+", "Losses/clone_loss"),
        regularization=("Losses/regularization_loss", "regularization_loss"),
        note="clone_loss is the first clone's, divided by the number of clones",
        source="tensorflow/models object_detection/legacy/trainer.py",
    ),
    Convention(
        framework="EfficientDet",
        optimized=("trainloss/loss", "epoch_loss", "loss"),
        data=("trainloss/det_loss", "epoch_det_loss", "det_loss"),
        regularization=("trainloss/reg_l2_loss", "epoch_reg_l2_loss", "reg_l2_loss"),
        beside=r"(?:trainloss/|epoch_)?(?:det_loss|reg_l2_loss)",
        assured=True,
        note="cls_loss and box_loss are logged too, but only det_loss has their weights",
        source="google/automl efficientdet/det_model_fn.py, tf2/train_lib.py",
    ),
    Convention(
        framework="tf-slim",
        optimized=("total_loss", "(?i)losses/total[_ ]?loss", "(?i).*/total_loss"),
        data=(
            r"losses/(?!.*(?:total|regulari[sz]))(?:.+/)?value",
            r"Losses/(?!.*(?:total|regulari[sz]|clone_loss))(?:.+/)?value",
            r"(?:.*/)?clone_loss",
            r"ssd_losses/.+/value",
        ),
        regularization=(
            "Losses/regularization_loss",
            "(?:.*/)?(?:total_)?regularization_loss(?:/value)?",
        ),
        beside=r"(?:[Ll]osses/.+/value|(?:.*/)?clone_loss)(?:_\d+)?",
        note="clone_loss is the first clone's, divided by the number of clones",
        source="tensorflow/models slim/train_image_classifier.py, slim/deployment/model_deploy.py; "
        "research/deeplab/train.py",
    ),
    Convention(
        framework="tensorpack",
        optimized=("(?:.*/)?total_cost(?:-summary)?", "(?:.*/)?cost(?:-summary)?"),
        data=(
            "(?:.*/)?(?:cross[_-]entropy|xentropy)[_-]loss(?:-summary)?",
            "(?:.+_losses|maskrcnn_loss)/.+_loss(?:-summary)?",
        ),
        regularization=(
            "(?:.*/)?(?:wd_cost|(?:l2_)?regulari[sz]e_(?:loss|cost)|wd_loss)(?:-summary)?",
        ),
        note="values are moving averages with one decay, which keep sums",
        source="tensorpack/tensorpack examples/basics/mnist-convnet.py, tfutils/summary.py",
    ),
    Convention(
        framework="cifar10 tutorial",
        optimized=("(?:tower_\\d+/)?total_loss",),
        data=("(?:tower_\\d+/)?cross_entropy",),
        regularization=("(?:tower_\\d+/)?.+/weight_loss",),
        beside=r".+(?:/weight_loss.*| \(raw\)|__raw_)",
        note="each loss is logged raw and as a moving average; raw counts",
        source="tensorflow/models tutorials/image/cifar10/cifar10.py, _add_loss_summaries",
    ),
    Convention(
        framework="YOLOv3",
        optimized=("yolov3/total_loss",),
        data=("loss/(?:coord|sizes|confs|class|giou|conf|prob)_loss",),
        regularization=ANY_PENALTY,
        source="YunYang1994/tensorflow-yolov3 train.py",
    ),
    Convention(
        framework="YOLOv3",
        optimized=("train_batch_statistics/total_loss",),
        data=("train_batch_statistics/loss_(?:xy|wh|conf|class)",),
        regularization=("train_batch_statistics/loss_l2",),
        note="total_loss is logged without the L2 penalty that is optimized with it",
        source="wizyoung/YOLOv3_TensorFlow train.py",
    ),
    Convention(
        framework="Estimator",
        optimized=("loss", "OptimizeLoss(?:/loss)?"),
        data=("average_loss", "loss_mean"),
        regularization=("regularization_loss",),
        beside="average_loss|loss_mean",
        note="loss may be the sum over a batch whose mean is average_loss",
        source="tensorflow/estimator python/estimator/canned/head.py",
    ),
    Convention(
        framework="TF Recommenders",
        optimized=("epoch_total_loss", "batch_total_loss"),
        data=("epoch_loss", "batch_loss"),
        regularization=("epoch_regularization_loss", "batch_regularization_loss"),
        beside="(?:epoch|batch)_regularization_loss",
        note="loss is the data loss and total_loss the optimized one, other than in Keras",
        source="tensorflow/recommenders tensorflow_recommenders/models/base.py, train_step",
    ),
    Convention(
        framework="Mask R-CNN",
        optimized=("(?:epoch_)?loss",),
        data=(r"(?:epoch_)?(?:rpn_(?:class|bbox)|mrcnn_(?:class|bbox|mask))_loss",),
        beside="(?:epoch_)?mrcnn_class_loss",
        note="the parts are logged times their weights, which Keras itself leaves out",
        source="matterport/Mask_RCNN mrcnn/model.py, MaskRCNN.compile",
    ),
    Convention(
        framework="Keras",
        optimized=("epoch_loss", "batch_loss"),
        data=("epoch_data_loss", "(?:epoch|batch)_.+_loss"),
        regularization=("epoch_(?:regularization_loss|reg_loss|regularization)",),
        beside="(?:epoch|batch)_loss",
        unweighted=True,
        note="with several outputs the outputs' losses are logged without their weights",
        # Not assured: a custom train_step optimizes what it likes and tracks what it likes.
        source="keras-team/keras keras/src/callbacks/tensorboard.py",
    ),
    Convention(
        framework="Keras",
        optimized=("loss",),
        data=("(?!val_).+_loss",),
        beside="val_loss",
        unweighted=True,
        note="with several outputs the outputs' losses are logged without their weights",
        source="keras-team/keras 2 keras/callbacks.py, TensorBoard",
    ),
    Convention(
        framework="Lightning",
        optimized=("train(?:ing)?[_/]total_loss", "train(?:ing)?[_/]loss"),
        data=(
            "train(?:ing)?[_/](?:data|ce|nll|bce|mse|cross_entropy|task)(?:_loss)?",
            "train(?:ing)?[_/]loss",
        ),
        regularization=ANY_PENALTY,
        beside="epoch|hp_metric|.+_(?:step|epoch)",
        note="the tags are the user's own; log() adds _step and _epoch",
        source="Lightning-AI/pytorch-lightning docs, extensions/logging",
    ),
    Convention(
        framework="reinforcement learning",
        optimized=("(?:.*/)?(?:total_)?loss",),
        data=(
            "(?:.*/)?(?:policy|policy_gradient|pg|actor|value|value_function|vf|critic|entropy)_loss",
        ),
        regularization=ANY_PENALTY,
        beside="(?:.*/)?(?:policy|policy_gradient|pg|actor)_loss",
        unweighted=True,
        note="policy and value losses are logged without their weights",
        source="openai/baselines, Stable-Baselines3 loggers",
    ),
    Convention(
        framework="TF Model Garden",
        optimized=("total_loss",),
        data=("model_loss",),
        beside="training_loss",
        assured=True,
        note="cls_loss and box_loss are logged without the weights that they have in model_loss",
        source="tensorflow/models official/vision/tasks/retinanet.py, train_step",
    ),
    Convention(
        framework="Faster R-CNN",
        optimized=("LOSS/total_loss",),
        data=(r"(?:RPN|FAST|SSH_\w+)_LOSS/\w*total_loss\w*", r"LOSS/(?!total_loss)\w+_loss"),
        regularization=("LOSS/regular_weights",),
        beside="LOSS/regular_weights",
        source="DetectionTeamUCAS/FPN_Tensorflow tools/train.py and its forks",
    ),
    Convention(
        framework="OpenMMLab",
        optimized=("(?P<scope>(?:train/)?)loss",),
        data=(r"{scope}(?:[\w.]+\.)?loss_\w+",),
        beside=r"(?:train/)?(?:[\w.]*loss_(?:bbox|rpn_cls|mask)|[\w.]+\.loss_ce)",
        assured=True,
        note="the optimized loss is the sum of all that have loss in their name",
        source="open-mmlab/mmdetection mmdet/models/detectors/base.py, _parse_losses",
    ),
    Convention(
        framework="Detectron2",
        optimized=("total_loss",),
        data=(r"loss_\w+",),
        beside="data_time",
        assured=True,
        note="the optimized loss is the sum of all losses",
        source="facebookresearch/detectron2 detectron2/engine/train_loop.py, SimpleTrainer",
    ),
)
