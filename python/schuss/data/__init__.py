"""Reading data: files of examples in, batches of arrays out, at the speed of the disk.

A `Format` says what a line means and how its values become ids; a `Reader` iterates over batches; a `cache` keeps them
in a file, so that later passes do not parse.

>>> import io
>>> from schuss.data import Format, Reader, cache
>>> log = io.BytesIO(b"1 2:1 7:0.5\\n-1 3:1\\n1 2:oops\\n")  # or "day_*.gz", "-", ["a.tsv", "s3://bucket/b.tsv.zst"]
>>> reader = Reader(log, Format("libsvm", bits=20))
>>> for batch in reader:
...     print(batch, batch.ids, batch.values, batch.labels)
Batch(2 examples, 3 entries) [2 7 3] [1.  0.5 1. ] [1. 0.]
>>> reader.counts.malformed, reader.counts.first
(1, [('<stream>', 3, "feature: expected id:value, got '2:oops'")])

| format | a line | fields |
|---|---|---|
| `criteo` | label, 13 whole numbers, 26 categories, between tabs | the 39 columns |
| `libsvm` | `label id:value ...  # comment` | none |
| `libffm` | `label field:id:value ...` | as written |
| `vw` | Vowpal Wabbit's text: label, importance, tag, namespaces of features | the namespaces in `columns` |
| `csv` | cells, quoted or not, with a header or without | columns with role numeric or categorical |
| `parquet` | the same of parquet and Arrow files (pyarrow) | as csv |

- Numbers are binned by their logarithm (`numeric="log"`), or kept as log1p ("raw") or as they are ("plain"). Categories
  are hashed with their field by schuss64-1, which `Format` writes down; `crosses=[("C1", "C5")]` adds pairs of fields.
- .gz, .bz2 and .xz are decompressed by the standard library, .zst and remote files through pyarrow, in a thread that
  reads ahead. Memory is bounded by a few chunks and a batch, whatever the file.
- Batches are the same for any number of threads, any chunk size, from text or from a cache.
- A line that is no example is counted, and the first five are kept with file, line and reason; `strict=True` stops at
  the first. A truncated file is a `BrokenFile` after everything before the break. `labelled=False` scores files.
- `Format.from_file("a.csv", {"click": "label"})` takes the columns from a header; `Format.to_json` is all that a model
  must remember.
- `cache(reader, "train.cache")` writes a cache, all or nothing; `CacheReader("train.cache", shuffle=seed)` maps it and
  permutes blocks, and examples within blocks.
- `Batch.of(indptr, ids, values, bits=20)` and `Batch.from_csr(matrix, y, bits=20)` are batches of your own arrays.
"""

from .batch import Batch
from .cache import CacheReader, cache
from .format import Format
from .reader import Counts, Reader
from .sources import BrokenFile

__all__ = ["Batch", "BrokenFile", "CacheReader", "Counts", "Format", "Reader", "cache"]
