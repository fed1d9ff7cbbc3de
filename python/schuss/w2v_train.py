"""The command line of word vectors: schuss w2v train."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .ctr_cli import plain_errors, writable

if TYPE_CHECKING:
    from .models import Word2Vec
    from .rules import Rule


def train(
    files: Annotated[list[str], typer.Argument(help="Files, globs, - for the standard input, or URIs.")],
    out: Annotated[Path, typer.Option(help="The model file; also of checkpoints.")],
    vectors: Annotated[
        Path | None, typer.Option(help="Also the vectors alone, for `neighbors` and the others.")
    ] = None,
    dim: Annotated[int, typer.Option(help="Numbers of a vector.")] = 100,
    window: Annotated[int, typer.Option(help="Words to each side of the centre, at most.")] = 5,
    negative: Annotated[int, typer.Option(help="Negatives of a draw.")] = 5,
    sample: Annotated[float, typer.Option(help="Words more frequent than this are thinned out; 0: none.")] = 1e-3,
    min_count: Annotated[int, typer.Option(help="Rarer words are left out.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(help="Most words.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 5,
    cbow: Annotated[bool, typer.Option("--cbow", help="CBOW instead of skip-gram.")] = False,
    hs: Annotated[bool, typer.Option("--hs", help="Hierarchical softmax instead of negatives.")] = False,
    shared_negatives: Annotated[int | None, typer.Option(help="Words that share a draw; 1: classical.")] = None,
    power: Annotated[float | None, typer.Option(help="Of counts, for negatives: 0.75, with --cbow 0.6.")] = None,
    lr: Annotated[
        float | None, typer.Option(help="Rate of the first word: 0.025, with --cbow 0.075, or the rule's own.")
    ] = None,
    min_lr: Annotated[float, typer.Option(help="Rate of the last word.")] = 1e-4,
    rule: Annotated[str | None, typer.Option(help="AdaGrad, RowWiseAdaGrad, Adam, ... instead of SGD.")] = None,
    subwords: Annotated[str | None, typer.Option(help="Least and most characters of n-grams, as in 3,6.")] = None,
    buckets: Annotated[int, typer.Option(help="Rows of n-grams.")] = 2_000_000,
    lower: Annotated[bool, typer.Option("--lower", help="Lower-case the text.")] = False,
    phrases: Annotated[float | None, typer.Option(help="Join bigrams that score above this.")] = None,
    mode: Annotated[str, typer.Option(help="hogwild, or deterministic: the same bits for any threads.")] = "hogwild",
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
    seed: Annotated[int, typer.Option(help="Of start values and draws.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Keeps the encoded text, for texts larger than memory.")] = None,
    every: Annotated[int | None, typer.Option(help="Words between checkpoints.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the file of --out, if it is there.")] = False,
) -> None:
    """Train word vectors on text, from start to file; repeat the command with --resume after a stop."""
    from .models import Word2Vec
    from .models.word_training import fit

    with plain_errors(f"stopped; {out} has the model so far: repeat the command with --resume to go on", "w2v"):
        writable(out)
        made = Word2Vec(
            dim,
            window,
            negative,
            sample,
            min_count,
            epochs,
            max_vocab=max_vocab,
            sg=not cbow,
            hs=hs,
            shared_negatives=shared_negatives,
            power=power,
            lr=None if rule else lr,
            min_lr=min_lr,
            rule=_rule_named(rule, lr),
            subwords=_lengths(subwords),
            buckets=buckets,
            lower=lower,
            phrases=phrases,
            mode=mode,  # type: ignore[arg-type]
            threads=threads,
            seed=seed,
        )
        going_on = resume and out.exists()
        if going_on:
            made = _resumed(made, out)
        source: Any = files[0] if len(files) == 1 else files
        bar = fit(made, source, cache=cache, progress=None, path=out, every=every, resume=going_on)
        typer.echo(f"{made!r}, mean loss {made.losses[-1]:.4f}")
        typer.echo(bar.summary())
        typer.echo(f"{out}: {os.path.getsize(out):,} bytes")
        if vectors is not None:
            made.vectors.save(vectors)
            typer.echo(f"{vectors}: {os.path.getsize(vectors):,} bytes")


def _resumed(asked: Word2Vec, path: Path) -> Word2Vec:
    """The model of a file, if it is the one that was asked for."""
    from .models.word_file import header

    found = type(asked).load(path)
    old, new = header(found)["settings"], header(asked)["settings"]
    for name, value in new.items():
        same = (list(old[name]) if isinstance(old[name], tuple) else old[name]) == (
            list(value) if isinstance(value, tuple) else value
        )
        if name != "threads" and not same:
            raise ValueError(f"resume: {path} was begun with {name}={old[name]!r}, not {value!r}; repeat its options")
    found.threads = asked.threads
    return found


def _rule_named(name: str | None, lr: float | None) -> Rule | None:
    if name is None:
        return None
    from .rules import ALL

    found = {known.lower(): kind for known, kind in ALL.items()}.get(name.lower())
    if found is None:
        raise ValueError(f"rule: expected one of {', '.join(ALL)}, got {name!r}")
    return found() if lr is None else found(lr)


def _lengths(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        least, most = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"subwords: expected two whole numbers, as in 3,6, got {text!r}") from None
    return least, most
