"""The command line of word vectors: schuss w2v train, neighbors, analogy, evaluate, export, picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .ctr_cli import plain_errors
from .w2v_train import train

if TYPE_CHECKING:
    from .vectors import Vectors

app = typer.Typer(no_args_is_help=True, help="Vectors of words: neighbours, analogies, evaluation, files, pictures.")
errors = partial(plain_errors, command="w2v")

File = Annotated[Path, typer.Argument(help="A model, or vectors: safetensors, word2vec's text or binary format.")]
Most = Annotated[int | None, typer.Option("--restrict-vocab", min=1, help="Only among so many words, the first ones.")]
Count = Annotated[int, typer.Option("-n", "--count", min=1, help="Words to print.")]


@app.callback()
def _w2v() -> None:
    """Vectors of words."""


app.command()(train)


@app.command()
def neighbors(
    vectors: File, words: Annotated[list[str], typer.Argument()], count: Count = 10, restrict_vocab: Most = None
) -> None:
    """Print the words nearest to each word, with their cosines."""
    with errors():
        loaded = _loaded(vectors, mmap=True)
        for word in words:
            found = loaded.neighbors(word, count, restrict_vocab)
            if len(words) > 1:
                typer.echo(f"{word}:")
            for near, cosine in found:
                typer.echo(f"{cosine:.4f}  {near}")


@app.command()
def analogy(
    vectors: File,
    a: Annotated[str, typer.Argument()],
    b: Annotated[str, typer.Argument()],
    c: Annotated[str, typer.Argument()],
    count: Count = 5,
    restrict_vocab: Most = None,
) -> None:
    """Print the words that are to C as B is to A: man king woman."""
    with errors():
        loaded = _loaded(vectors, mmap=True)
        for word, cosine in loaded.analogy(a, b, c, count, restrict_vocab):
            typer.echo(f"{cosine:.4f}  {word}")


@app.command()
def evaluate(
    vectors: File,
    files: Annotated[list[Path], typer.Argument(help="Word similarities, or analogies; told by their content.")],
    restrict_vocab: Most = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", help="Compare words in lower case.")] = False,
) -> None:
    """Print Spearman's correlation with people, or the share of right answers of each section."""
    from .vectors import Analogies

    with errors():
        loaded = _loaded(vectors)
        for file in files:
            found = loaded.evaluate(file, restrict_vocab, ignore_case)
            if isinstance(found, Analogies):
                typer.echo(f"{found.name}:")
                for s in [*found.sections, found.total]:
                    share = f"{s.accuracy:7.2%}" if s.asked else "      -"
                    typer.echo(f"{share}  {s.correct:>6,} of {s.asked:>6,}, {s.missing:,} missing  {s.name}")
            else:
                typer.echo(found.summary())


@app.command()
def export(
    vectors: File,
    out: Annotated[Path, typer.Option(help="File to write.")],
    format: Annotated[str | None, typer.Option(help="text, binary or safetensors; unless given, of the name.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many words.")] = None,
) -> None:
    """Write vectors in another format."""
    with errors():
        loaded = _loaded(vectors, limit=limit)
        loaded.save(out, format)
        typer.echo(f"{out}: {len(loaded):,} words, {loaded.dim} dimensions, {out.stat().st_size:,} bytes")


@app.command()
def picture(
    vectors: File,
    words: Annotated[list[str], typer.Argument()],
    out: Annotated[Path, typer.Option(help="PNG, SVG or PDF.")],
    neighbors: Annotated[int, typer.Option(min=0, help="Neighbours to draw for each word.")] = 10,
) -> None:
    """Draw words and their neighbours in a plane."""
    with errors():
        loaded = _loaded(vectors)
        loaded.plot(words, out, neighbors)
        typer.echo(f"{out}: {', '.join(words)}")


def _loaded(path: Path, mmap: bool = False, limit: int | None = None) -> Vectors:
    """The vectors of a file, or of a model; mapped where they can be, so that a question need not read all of them."""
    from .vectors import Vectors
    from .vectors.files import is_safetensors

    tensors = is_safetensors(path)
    if tensors:
        from .checkpoint import opened
        from .models import Word2Vec
        from .models.word_file import KIND

        with opened(path) as (_, header):
            is_model = header.get("kind") == KIND
        if is_model:
            found = Word2Vec.load(path).vectors
            return found if limit is None else Vectors(found.words[:limit], found.matrix[:limit])
    return Vectors.load(path, mmap=mmap and tensors, limit=limit)
