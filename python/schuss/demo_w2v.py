"""The demo of word vectors: a text with planted analogies; trained, asked, saved, trained on."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from .make_text import write_shown

EPOCHS = 5


def run(words: int, threads: int | None, seed: int, out: Path) -> None:
    """Makes, trains, asks, saves, loads, draws."""
    from rich.console import Console
    from rich.table import Table

    from .models import Word2Vec
    from .threads import get_threads
    from .vectors import Analogies

    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    corpus, questions = out / "corpus.txt", out / "questions.txt"
    for line in write_shown(corpus, words, seed, questions):
        typer.echo(line)
    models = {
        "skip-gram": Word2Vec(epochs=EPOCHS, threads=threads, seed=seed),
        "skip-gram, deterministic": Word2Vec(epochs=EPOCHS, threads=threads, seed=seed, mode="deterministic"),
        "CBOW": Word2Vec(epochs=EPOCHS, sg=False, threads=threads, seed=seed),
    }
    table = Table("model", "seconds", "words/s", "analogies found")
    for name, model in models.items():
        started = time.perf_counter()
        model.fit(corpus)
        seconds = time.perf_counter() - started
        found = model.vectors.evaluate(questions)
        assert isinstance(found, Analogies)
        speed = f"{model.seen / seconds:,.0f}"
        table.add_row(name, f"{seconds:.1f}", speed, f"{found.accuracy:.1%} of {found.total.asked:,}")
    console.print(table)
    typer.echo(f"{EPOCHS} epochs from text, counting too, {threads or get_threads()} threads")

    model, path = models["skip-gram"], out / "model"
    model.save(path)
    again = Word2Vec.load(path)
    same = (again.vectors.matrix == model.vectors.matrix).all()
    typer.echo(f"{path}: {path.stat().st_size:,} bytes; loaded again, it has {'the same' if same else 'OTHER'} vectors")
    for line in questions.read_text().splitlines()[1::400][:3]:
        a, b, c, d = line.split()
        told = ", ".join(f"{word} {cosine:.2f}" for word, cosine in model.vectors.analogy(a, b, c, 3))
        typer.echo(f"{a} : {b} = {c} : {d}?  {told}")
    vectors = out / "vectors.bin"
    model.vectors.save(vectors, "binary")
    typer.echo(f"{vectors}: the vectors, as gensim loads them")
    typer.echo(f"next: schuss w2v evaluate {vectors} {questions}")
