"""Word vectors: skip-gram and CBOW, with negative sampling or hierarchical softmax, from text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import NDArray

from ..rules import Rule
from .word_core import WordCore

if TYPE_CHECKING:
    from ..text import Tokens, Vocabulary
    from ..vectors import Vectors

Array = NDArray[Any]


class Word2Vec(WordCore):
    """Vectors of words that predict each other in text (Mikolov et al. 2013).

    For a centre c and each word w within a window around it, of random reach 1 to `window`:

        loss = log(1 + exp(-<v_w, u_c>)) + sum over negatives n of log(1 + exp(<v_w, u_n>))

    CBOW puts the mean of the window's v in the place of v_w; hierarchical softmax the nodes on the way to c in a
    Huffman tree in that of c and the negatives; sub-words the mean of a word's row and its n-grams' in that of v_w.

    Parameters
    ----------
    dim : int, default 100
        Numbers of a vector.
    window : int, default 5
        Words to each side of the centre, at most.
    negative : int, default 5
        Negatives of a draw, in proportion to counts ** power; the centre itself is left out. Not used with `hs`.
    sample : float, default 1e-3
        A word of frequency f is kept with probability sqrt(sample / f) + sample / f; 0 keeps all.
    min_count : int, default 5
        Rarer words are left out.
    max_vocab : int, optional
        Most words of the vocabulary.
    epochs : int, default 5
        Passes over the text.
    sg : bool, default True
        True: skip-gram; False: CBOW.
    hs : bool, default False
        Hierarchical softmax instead of negative sampling.
    shared_negatives : int, optional
        Most words of a window that share one draw of negatives and are learned together. Default: all of a window
        (Ji et al. 2016). 1: each pair draws its own and sees the step of the pair before: the classical algorithm.
        With `hs`: most words that are learned together.
    power : float, default 0.75, for CBOW 0.6
        Of the counts by which negatives are drawn, from 0 (all words alike) to 1.
    lr, min_lr : float, default 0.025, for CBOW 0.075, and 1e-4
        Rate of the first word and of the last; linear between them.
    rule : Rule, optional
        Trains all rows, instead of SGD at the rates above; a schedule is asked with the number of words seen.
    subwords : (int, int), optional
        Least and most characters of n-grams, as in fastText: (3, 6).
    buckets : int, default 2,000,000
        Rows of n-grams, by hash.
    lower : bool, default False
        Lower-case the text.
    phrases : float, optional
        Join bigrams that score above this, see `schuss.text.Vocabulary`.
    mode : "hogwild" or "deterministic", default "hogwild"
        "hogwild": threads update the same tables without locks, so that results of several threads differ a little from
        run to run. "deterministic": 256 words are learned in eight parts that begin with the same rows. A part steps
        rows that it alone has; others move by the sum of what the parts move them, or by 32 times the mean of more
        than 32 gradients, which would overshoot: the same bits for any number of threads. A rule other than plain SGD
        sees a row once in 128 words, with its sum of gradients, or 16 times the mean of more than 16. The loss is that
        of hogwild within a percent, the time with two threads 1.6 to 1.9 times as long (bench/README.md).
    threads : int, optional
        Default: schuss.get_threads().
    seed : int, default 0
        Of start values and all draws; those are functions of (seed, epoch, position in the text).

    Returns
    -------
    A model to `fit`; then `vectors` has the result.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or outside its range.

    Example
    -------
    >>> from schuss.models import Word2Vec
    >>> text = [["red", "green", "blue"], ["one", "two", "three"]] * 200
    >>> model = Word2Vec(dim=8, window=2, sample=0, mode="deterministic", lr=0.1).fit(text)
    >>> bool(model.vectors.similarity("red", "blue") > model.vectors.similarity("red", "two"))
    True

    Reference
    ---------
    Mikolov et al., "Distributed representations of words and phrases and their compositionality", 2013; Ji et al.,
    "Parallelizing word2vec in shared and distributed memory", 2016; Bojanowski et al., "Enriching word vectors with
    subword information", 2017.

    Differs from
    ------------
    The original program and gensim: negatives are shared within a window unless shared_negatives=1; the logistic
    function is computed, not looked up in a table that ends at 6; draws do not depend on threads. As there, CBOW adds
    the gradient of the mean to each word undivided. The original's lr does not go below lr / 10,000; its default for
    CBOW is 0.05. It and gensim (ns_exponent) draw CBOW's negatives too by the power 0.75, fastText all by 0.5. gensim's
    rate ends at min_alpha as here, except with corpus_file: each of n workers counts its own words against those of
    all, so that the rate falls by 1/n of an epoch's share and jumps at the next; two workers and one epoch end at half
    of it. gensim skips pairs whose product is beyond 6, and starts from values twice as large.
    """

    def __init__(
        self,
        dim: int = 100,
        window: int = 5,
        negative: int = 5,
        sample: float = 1e-3,
        min_count: int = 5,
        epochs: int = 5,
        *,
        max_vocab: int | None = None,
        sg: bool = True,
        hs: bool = False,
        shared_negatives: int | None = None,
        power: float | None = None,
        lr: float | None = None,
        min_lr: float = 1e-4,
        rule: Rule | None = None,
        subwords: tuple[int, int] | None = None,
        buckets: int = 2_000_000,
        lower: bool = False,
        phrases: float | None = None,
        mode: Literal["hogwild", "deterministic"] = "hogwild",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        given = dict(locals())
        del given["self"]
        self._set(**given)

    # ---- training ---------------------------------------------------------------------------------------------

    def fit(
        self,
        source: Any,
        *,
        cache: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int | None = None,
        resume: bool = False,
    ) -> Self:
        """Counts the words of a text, then learns their vectors from new start values.

        Parameters
        ----------
        source : path, list of paths, or an iterable of lists of words that can be passed over twice
            As for `schuss.text.Vocabulary.count`: one sentence a line or running text, plain or compressed.
        cache : path, optional
            The encoded text is kept here and memory-mapped, for texts larger than memory.
        progress : bool, optional
            A bar on the error stream; default: where that is a terminal.
        checkpoint : path, optional
            The model is saved here every `every` words, at the end and at Ctrl-C, replacing the file as a whole.
        every : int, optional
            Words between checkpoints.
        resume : bool, default False
            Go on where the fit that wrote this model stopped, with the same text: bit for bit in deterministic mode
            and with one thread.

        Returns
        -------
        The model.

        Raises
        ------
        TypeError, ValueError
            For a text with fewer than two words of `min_count`, and if the loss stops being finite.
        OSError
            If a file cannot be read or written.
        KeyboardInterrupt
            At Ctrl-C, after the checkpoint has been written; the model can be resumed.
        """
        from .word_training import fit

        fit(self, source, cache=cache, progress=progress, path=checkpoint, every=every, resume=resume)
        return self

    def partial_fit(self, source: Any, *, epochs: int = 1, progress: bool | None = None) -> Self:
        """Learns more text: its new words join the vocabulary behind the old ones, whose counts grow.

        Parameters
        ----------
        source : as for `fit`
        epochs : int, default 1
            Passes over this text, the rate going from `lr` to `min_lr` once more.
        progress : bool, optional
            As for `fit`.

        Returns
        -------
        The model.

        Raises
        ------
        ValueError
            With `hs`, if there are new words: the tree of another vocabulary has other nodes.
        """
        from .word_training import partial_fit

        partial_fit(self, source, epochs, progress)
        return self

    def fit_tokens(
        self, vocabulary: Vocabulary, tokens: Tokens, *, progress: bool | None = None, resume: bool = False
    ) -> Self:
        """As `fit`, for a text that has been counted and encoded: `vocabulary.encode(source)`."""
        from .word_training import fit_tokens

        fit_tokens(self, vocabulary, tokens, progress=progress, resume=resume)
        return self

    # ---- results ----------------------------------------------------------------------------------------------

    @property
    def vectors(self) -> Vectors:
        """The words and a copy of their vectors; with sub-words, means of their rows."""
        from ..vectors import Vectors

        return Vectors(self._vocabulary().words, self._matrix())

    def vector(self, word: str) -> Array:
        """The vector of a word, float32 (dim,); with sub-words also of a word that is not in the vocabulary.

        Raises
        ------
        KeyError
            For an unknown word without sub-words.
        """
        if word not in self._vocabulary() and self.subwords is not None:
            return self._compose(word)
        return self._mean_rows(self._vocabulary().index(word))

    # ---- files ------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all that is needed to go on bit for bit as safetensors; the file is replaced whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written; the old one is as it was.
        """
        from .word_file import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads what `save` or a checkpoint wrote; truncated and foreign files and other versions are a ValueError."""
        from .word_file import load

        return load(cls, path)
