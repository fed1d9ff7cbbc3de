"""Text: words counted into a vocabulary, sentences as numbers of words.

>>> from schuss.text import Vocabulary
>>> sentences = [["to", "be", "or", "not", "to", "be"], ["be", "quick"]]
>>> vocabulary = Vocabulary.count(sentences, min_count=2)
>>> vocabulary.words, vocabulary.counts.tolist(), vocabulary.total
(['be', 'to'], [3, 2], 8)
>>> tokens = vocabulary.encode(sentences)
>>> tokens.ids.tolist(), tokens.indptr.tolist()
([1, 0, 1, 0, 0], [0, 4, 5])
"""

from .tokens import Tokens
from .vocabulary import Vocabulary

__all__ = ["Tokens", "Vocabulary"]
