"""Reading data: files of examples in, batches of arrays out."""

from .batch import Batch
from .cache import CacheReader, cache
from .format import Format
from .reader import Counts, Reader
from .sources import BrokenFile

__all__ = ["Batch", "BrokenFile", "CacheReader", "Counts", "Format", "Reader", "cache"]
