# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The exceptions of this package; every text is meant for the user's eyes.

A text says what was found, what was expected and what to do. Anything that is
not one of these is a fault of ours.
"""


class RegLossError(Exception):
    """Base of all errors that a user's input can cause."""


class UnreadableError(RegLossError):
    """A file or a record could not be read or does not parse.

    Its own class because one unreadable file must never hide the other runs:
    readers catch exactly this, put the text among the run's problems, go on.
    """


class UsageError(RegLossError):
    """The caller asked for something that cannot be (an unknown run, a bad regex).

    Its own class because the command line answers it with exit status 2 and
    the routes with a 4xx, where an `UnreadableError` is a fact about the logs.
    """


class DeclarationError(RegLossError, ValueError):
    """The training code passed losses that cannot be logged.

    A `ValueError` too, since it is raised at the user's own call
    (`summary.v1.op`, `summary.v2.losses`, ...), where callers expect one.
    """

    # Inside of a tf.function AutoGraph raises an error anew; it keeps the type
    # of those only that are made as Exception is (error_utils.py, create_exception).
    __init__ = Exception.__init__


class MissingRegularizationError(RegLossError):
    """Raised in the training process by `on_missing="raise"`.

    Its own class so that a program can catch exactly this and nothing else.
    """
