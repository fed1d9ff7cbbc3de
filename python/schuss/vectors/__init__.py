"""Vectors of words: nearest words, analogies, evaluation, files, pictures.

>>> import numpy as np
>>> from schuss import Vectors
>>> v = Vectors(["king", "queen", "man", "woman"], np.array([[5, 1], [5, -1], [2, 1], [2, -1]], np.float32))
>>> v.similarity("king", "man").__round__(3), v.analogy("man", "king", "woman")[0][0]
(0.965, 'queen')
"""

from .evaluation import Analogies, Section, Similarities
from .vectors import Vectors

__all__ = ["Analogies", "Section", "Similarities", "Vectors"]
