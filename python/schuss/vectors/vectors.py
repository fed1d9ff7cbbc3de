"""Vectors: words and a matrix, and what people ask of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..settings import whole
from .evaluation import Analogies, Similarities
from .rows import Rows
from .search import best, unit

Array = npt.NDArray[Any]


class Vectors(Rows):
    """Words and their vectors; row i of the matrix is the vector of word i, frequent words first.

    Parameters
    ----------
    words : sequence of str
        Each once.
    matrix : float32 array of words x dimensions
        Is kept, not copied; may be a read-only map of a file.

    Raises
    ------
    TypeError, ValueError
        For a matrix of another type or shape, or a word that comes twice.

    Example
    -------
    >>> import numpy as np
    >>> from schuss import Vectors
    >>> v = Vectors(["red", "green"], np.eye(2, dtype=np.float32))
    >>> v, v["green"], "blue" in v
    (Vectors(2 words, 2 dimensions), array([0., 1.], dtype=float32), False)
    """

    # ---- questions ------------------------------------------------------------------------------------------------

    def similarity(self, a: str, b: str) -> float:
        """The cosine of the angle between two words; 0 where a vector is zero.

        Raises
        ------
        KeyError
            For an unknown word; it names near spellings.

        Example
        -------
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> Vectors(["a", "b"], np.array([[1, 0], [3, 4]], np.float32)).similarity("a", "b").__round__(6)
        0.6
        """
        x, y = unit(np.stack([self[a], self[b]]).astype(np.float64))
        return float(x @ y)

    def neighbors(self, word: str | Array, n: int = 10, restrict_vocab: int | None = None) -> list[tuple[str, float]]:
        """The words whose vectors point most nearly in the same direction, with their cosines.

        Parameters
        ----------
        word : str, or array of `dim` numbers
            A word is not its own neighbour.
        n : int, default 10
        restrict_vocab : int, optional
            Only among so many words, the first ones.

        Returns
        -------
        list of (word, cosine), the nearest first

        Raises
        ------
        KeyError, TypeError, ValueError
            For an unknown word, or an argument that does not fit.

        Example
        -------
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> v = Vectors(["a", "b", "c"], np.array([[1, 0], [3, 4], [0, 1]], np.float32))
        >>> [word for word, _ in v.neighbors("a", n=2)]
        ['b', 'c']
        """
        if isinstance(word, str):
            i = self.index(word)
            return self._nearest(self.matrix[i], [i], n, restrict_vocab)
        query = np.asarray(word, np.float32)
        if query.shape != (self.dim,):
            raise ValueError(f"word: expected a word or a vector of {self.dim} numbers, got shape {query.shape}")
        if not np.isfinite(query).all():
            raise ValueError("word: expected finite numbers")
        return self._nearest(query, [], n, restrict_vocab)

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, restrict_vocab: int | None = None
    ) -> list[tuple[str, float]]:
        """The words that are to c as b is to a.

            argmax_d cos(d, b - a + c) over unit vectors, a, b, c left out (3CosAdd)

        Parameters
        ----------
        a, b, c : str
        n, restrict_vocab
            As in `neighbors`.

        Returns
        -------
        list of (word, cosine), the best first

        Raises
        ------
        KeyError
            For an unknown word; it names near spellings.

        Example
        -------
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> rows = np.array([[5, 1], [5, -1], [2, 1], [2, -1]], np.float32)
        >>> Vectors(["king", "queen", "man", "woman"], rows).analogy("man", "king", "woman", n=1)[0][0]
        'queen'

        Reference
        ---------
        Mikolov, Yih & Zweig 2013; Levy & Goldberg 2014 (its name).
        """
        ids = [self.index(word) for word in (a, b, c)]
        x, y, z = unit(np.stack([self.matrix[i] for i in ids]))
        return self._nearest(y - x + z, ids, n, restrict_vocab)

    def evaluate(
        self, path: str | os.PathLike[str], restrict_vocab: int | None = None, ignore_case: bool = False
    ) -> Similarities | Analogies:
        """How well the vectors agree with people: a file of word pairs with scores, or of analogies.

        Parameters
        ----------
        path : path
            Told by its content: two words and a number a line (WordSim-353, MEN, SimLex); Google's analogies, four
            words a line and sections that begin with a colon; MSR's as CSV with word1, word2, word3, target.
        restrict_vocab : int, optional
            Only so many words are known, the first ones; others answer no question.
        ignore_case : bool, default False
            Words are compared in lower case. Of words that then are equal, the first asks; any of them may answer.

        Returns
        -------
        Similarities or Analogies
            Spearman's correlation, or the share of right answers of each section and of all; and what was missing:
            pairs and questions with an unknown word are counted and left out.

        Raises
        ------
        OSError, ValueError
            For a file that is missing, or that is neither.

        Example
        -------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> v = Vectors(["a", "b", "c"], np.array([[1, 0], [3, 4], [0, 1]], np.float32))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "pairs").write_text("a b 7\\na c 1\\nb c 9\\na x 3\\n")
        ...     v.evaluate(folder + "/pairs")
        Similarities(pairs: spearman 1.0000, 3 pairs, 1 missing)
        """
        from .evaluation import evaluate

        if not isinstance(ignore_case, bool):
            raise TypeError(f"ignore_case: expected True or False, got {ignore_case!r}")
        return evaluate(self.words, self.matrix, path, self._known(restrict_vocab), ignore_case)

    def _known(self, restrict_vocab: int | None) -> int:
        return len(self) if restrict_vocab is None else min(whole("restrict_vocab", restrict_vocab, 1), len(self))

    def _nearest(self, query: Array, out: list[int], n: int, restrict_vocab: int | None) -> list[tuple[str, float]]:
        known = self._known(restrict_vocab)
        ids, scores = best(self.matrix[:known], query, out, whole("n", n, 1))
        return [(self.words[i], float(s)) for i, s in zip(ids, scores, strict=True)]

    # ---- files ----------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Writes the vectors to a file, which is replaced as a whole.

        Parameters
        ----------
        path : path
        format : str, optional
            'text' and 'binary' are those of word2vec, which gensim and most others read; 'safetensors' can be mapped.
            Unless given, of the name: .txt and .vec, .bin, else safetensors.

        Raises
        ------
        ValueError
            For an unknown format; for a word that has white space or is empty, which word2vec's formats cannot hold.
        OSError
            If the file cannot be written; then the old one is still there.

        Example
        -------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Vectors(["a", "b"], np.eye(2, dtype=np.float32)).save(folder + "/vectors.txt")
        ...     print(pathlib.Path(folder, "vectors.txt").read_text())
        2 2
        a 1 0
        b 0 1
        <BLANKLINE>
        """
        from .files import save

        save(self.words, self.matrix, path, format)

    @staticmethod
    def load(path: str | os.PathLike[str], mmap: bool = False, limit: int | None = None) -> Vectors:
        """Reads vectors of any of the formats of `save`, told by the file's content; text also without its first line.

        Parameters
        ----------
        path : path
            word2vec's formats may be compressed: .gz, .bz2, .xz, .zst.
        mmap : bool, default False
            Maps the matrix instead of reading it; for safetensors, the one format whose rows lie side by side.
        limit : int, optional
            Only the first so many words.

        Returns
        -------
        Vectors
            Of a word that comes twice, the first vector.

        Raises
        ------
        OSError, ValueError
            For a file that is missing, truncated, damaged, of another kind, or cannot be mapped.

        Example
        -------
        >>> import tempfile
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Vectors(["a", "b"], np.eye(2, dtype=np.float32)).save(folder + "/vectors")
        ...     v = Vectors.load(folder + "/vectors", mmap=True)
        >>> v["b"], v.matrix.flags.writeable
        (array([0., 1.], dtype=float32), False)
        """
        from .files import load

        if not isinstance(mmap, bool):
            raise TypeError(f"mmap: expected True or False, got {mmap!r}")
        return Vectors(*load(path, mmap, None if limit is None else whole("limit", limit, 1)))

    # ---- pictures -------------------------------------------------------------------------------------------------

    def plot(self, words: str | Sequence[str], path: str | os.PathLike[str], neighbors: int = 10) -> None:
        """Draws words and their neighbours in the plane that shows most of their differences (PCA of unit vectors).

        Parameters
        ----------
        words : str or sequence of str
        path : path
            PNG, SVG or PDF by its suffix.
        neighbors : int, default 10
            For each word, so many of its nearest are drawn too.

        Raises
        ------
        KeyError
            For an unknown word; it names near spellings.
        ImportError
            Without matplotlib (the extra 'plot').
        OSError
            If the picture cannot be written.

        Example
        -------
        >>> import os, tempfile
        >>> import numpy as np
        >>> from schuss import Vectors
        >>> v = Vectors(["a", "b", "c"], np.array([[1, 0], [3, 4], [0, 1]], np.float32))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     v.plot("a", folder + "/a.png", neighbors=2)
        ...     os.listdir(folder)
        ['a.png']
        """
        from .picture import draw

        centres = [words] if isinstance(words, str) else list(words)
        if not centres:
            raise ValueError("words: expected at least one")
        groups = [[word] for word in centres]
        for group in groups:
            group += [near for near, _ in self.neighbors(group[0], neighbors)] if neighbors else []
            self.index(group[0])
        shown = {word: k for k, group in reversed(list(enumerate(groups))) for word in group}
        shown.update({word: k for k, word in enumerate(centres)})
        names = list(dict.fromkeys(word for group in groups for word in group))
        rows = unit(np.stack([self[word] for word in names]).astype(np.float64))
        draw(names, [shown[word] for word in names], set(centres), rows, path)
