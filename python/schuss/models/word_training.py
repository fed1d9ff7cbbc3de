"""Epochs, checkpoints, Ctrl-C: everything of a word model's training but the learning itself."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from .interrupt import Interrupt
from .word_core import PIECE
from .word_progress import WordProgress

if TYPE_CHECKING:
    from ..text import Tokens, Vocabulary
    from .word2vec import Word2Vec

PIECES = 128  # learned between two looks at Ctrl-C and the clock


def fit(
    model: Word2Vec,
    source: Any,
    *,
    cache: Any,
    progress: bool | None,
    path: str | os.PathLike[str] | None,
    every: int | None,
    resume: bool,
) -> WordProgress:
    """Word2Vec.fit: counts, encodes, trains; returns the bar with its counts."""
    if every is not None and (isinstance(every, bool) or not isinstance(every, int)):
        raise TypeError(f"every: expected a whole number, got {type(every).__name__}")
    if every is not None and every < 1:
        raise ValueError(f"every: expected at least 1, got {every}")
    if every is not None and path is None:
        raise ValueError("every: there is no file for checkpoints; give checkpoint=")
    vocabulary = model._vocabulary() if resume else _counted(model, source)
    tokens = vocabulary.encode(source, cache=cache, threads=model.threads)
    return fit_tokens(model, vocabulary, tokens, progress=progress, path=path, every=every, resume=resume)


def fit_tokens(
    model: Word2Vec,
    vocabulary: Vocabulary,
    tokens: Tokens,
    *,
    progress: bool | None,
    path: str | os.PathLike[str] | None = None,
    every: int | None = None,
    resume: bool = False,
) -> WordProgress:
    """Trains on encoded text, from the start or from where the model is."""
    words = len(tokens.ids)
    if resume:
        model._vocabulary()
        if model.position["words"] != words:
            raise ValueError(
                f"source: the fit that is resumed had {model.position['words']:,} words of the vocabulary, "
                f"this one has {words:,}; give the same text"
            )
    else:
        model._begin(vocabulary)
        _rewind(model, words)
    return _train(model, tokens, model.epochs, progress, path, every)


def partial_fit(model: Word2Vec, source: Any, epochs: int, progress: bool | None) -> None:
    """Word2Vec.partial_fit."""
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs: expected a whole number of at least 1, got {epochs!r}")
    if model.vocabulary is None:
        model._begin(_counted(model, source))
    else:
        model._grow(model.vocabulary.grow(source, model.min_count))
    tokens = model._vocabulary().encode(source, threads=model.threads)
    _rewind(model, len(tokens.ids))
    _train(model, tokens, epochs, progress, None, None)


def _counted(model: Word2Vec, source: Any) -> Vocabulary:
    from ..text import Vocabulary

    return Vocabulary.count(
        source,
        model.min_count,
        model.max_vocab,
        phrases=model.phrases,
        lower=model.lower,
        threads=model.threads,
    )


def _rewind(model: Word2Vec, words: int) -> None:
    model.position = {"epoch": 0, "piece": 0, "loss": 0.0, "predictions": 0, "words": words}


def _train(
    model: Word2Vec,
    tokens: Tokens,
    epochs: int,
    progress: bool | None,
    path: str | os.PathLike[str] | None,
    every: int | None,
) -> WordProgress:
    position, words = model.position, len(tokens.ids)
    if words == 0:
        raise ValueError("source: no word of it is in the vocabulary, so there is nothing to learn")
    model._learner.text(tokens.ids, tokens.indptr)
    pieces = -(-words // PIECE)
    bar = WordProgress(progress, epochs, words)
    saved = model.seen
    try:
        with Interrupt() as interrupt, bar:
            for epoch in range(position["epoch"], epochs):
                while position["piece"] < pieces:
                    count = min(PIECES, pieces - position["piece"])
                    rate = model._rates(epoch, position["piece"], 1, epochs, words)[0]
                    with interrupt.whole():
                        loss, predictions, learned = model._learn(epoch, position["piece"], count, epochs, tokens)
                        position["piece"] += count
                        position["loss"] += loss
                        position["predictions"] += predictions
                    if not math.isfinite(loss):
                        raise ValueError(
                            f"lr: training diverged, the loss is {loss} after {model.seen:,} words; give a smaller rate"
                        )
                    bar.advance(epoch, learned, loss, predictions, rate)
                    if every and path is not None and model.seen - saved >= every:
                        model.save(path)
                        saved = model.seen
                with interrupt.whole():
                    model.losses.append(position["loss"] / max(position["predictions"], 1))
                    position.update(epoch=epoch + 1, piece=0, loss=0.0, predictions=0)
    except KeyboardInterrupt:
        if path is not None:
            model.save(path)
        raise
    if path is not None:
        model.save(path)
    return bar
