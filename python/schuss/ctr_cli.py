"""The command line of click models: schuss ctr train, predict, evaluate, export."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .models import Model

app = typer.Typer(no_args_is_help=True, help="Click models from files: LR, FM, FFM.")
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


@contextlib.contextmanager
def plain_errors(stopped: str = "stopped", command: str = "ctr") -> Iterator[None]:
    """Bad input: one sentence and exit code 2. A full disk: 1. Ctrl-C: 130."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing is flushed into the pipe
        raise typer.Exit(1) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"schuss {command}: {where}{error.strerror or error}", err=True)
        raise typer.Exit(1 if error.errno in DISK else 2) from error
    except (ValueError, TypeError, LookupError, ImportError) as error:
        text = error.args[0] if isinstance(error, KeyError) else error  # whose str() is quoted
        typer.echo(f"schuss {command}: {text}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo(f"schuss {command}: {stopped}", err=True)
        raise typer.Exit(130) from None


Files = Annotated[list[str], typer.Argument(help="Files, globs, - for the standard input, or URIs.")]
Named = Annotated[str | None, typer.Option("--format", help="criteo, libsvm, libffm, vw, csv or parquet.")]
In = Annotated[list[str], typer.Option("--in", help="Files, globs, - for the standard input, or URIs.")]


@app.command()
def train(
    files: Files,
    out: Annotated[Path, typer.Option(help="The model file; also of checkpoints.")],
    format: Named = None,
    model: Annotated[str, typer.Option(help="lr, fm or ffm.")] = "fm",
    rule: Annotated[str | None, typer.Option(help="ftrl, or linear=ftrl,factors=adagrad.")] = None,
    lr: Annotated[str | None, typer.Option(help="0.1, or linear=0.1,factors=0.05.")] = None,
    l1: Annotated[float | None, typer.Option(help="FTRL's.")] = None,
    l2: Annotated[float | None, typer.Option(help="FTRL's, or weight decay of the rows touched.")] = None,
    bits: Annotated[int, typer.Option(help="2**bits ids.")] = 20,
    dim: Annotated[int | None, typer.Option(help="Factors: 8 for fm, 4 for ffm unless given.")] = None,
    loss: Annotated[str, typer.Option(help="logistic, squared, hinge or poisson.")] = "logistic",
    scale: Annotated[float | None, typer.Option(help="Of the factors' start values.")] = None,
    normalise: Annotated[bool, typer.Option("--normalise", help="Scale each example to unit length.")] = False,
    cross: Annotated[list[str] | None, typer.Option(help="Two fields that make one more, as in 1,5.")] = None,
    numeric: Annotated[str, typer.Option(help="Numbers of criteo and csv: log (bins) or raw.")] = "log",
    columns: Annotated[str | None, typer.Option(help="Tables: click=label,price=numeric; vw: namespaces.")] = None,
    rest: Annotated[str, typer.Option(help="csv, parquet: the role of the other columns.")] = "categorical",
    delimiter: Annotated[str, typer.Option(help="csv.")] = ",",
    header: Annotated[bool, typer.Option("--header/--no-header", help="csv; without: list all columns.")] = True,
    epochs: Annotated[int, typer.Option(help="Passes over the files.")] = 1,
    valid: Annotated[list[str] | None, typer.Option(help="Held-out files.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better one.")] = None,
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
    mode: Annotated[str, typer.Option(help="hogwild, or deterministic: the same bits for any threads.")] = "hogwild",
    seed: Annotated[int, typer.Option(help="Of hashes, start values and shuffling.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Keeps parsed examples for later epochs.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first malformed line.")] = False,
    every: Annotated[int | None, typer.Option(help="Examples between checkpoints.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the file of --out, if it is there.")] = False,
    curve: Annotated[Path | None, typer.Option(help="A picture of the learning curve, a PNG.")] = None,
) -> None:
    """Train a model on files, in one pass or several; repeat the command with --resume after a stop."""
    from .ctr_options import format_of, model_of, resumed, rules_of
    from .models import training

    with plain_errors(f"stopped; {out} has the model so far: repeat the command with --resume to go on"):
        text = format_of(files, format, bits, seed, loss, numeric, cross or [], columns, rest, delimiter, header)
        made = model_of(
            model, bits, dim, rules_of(model, rule, lr), loss, l1, l2, scale, normalise, threads, mode, seed
        )
        if resume and out.exists():
            made = resumed(made, text, out)
        writable(out)
        before = made.seen
        bar = training.fit(
            made,
            files,
            format=text,
            epochs=epochs,
            valid=valid,
            patience=patience,
            cache=cache,
            progress=None,
            path=out,
            every=every,
            strict=strict,
            resume=resume,
        )
        for line in malformed(bar.counts):
            typer.echo(line, err=True)
        typer.echo(bar.summary())
        typer.echo(f"progressive {loss} loss {made.history.mean(before):.5f}" + _held(made))
        typer.echo(f"{out}: {out.stat().st_size:,} bytes")
        if curve is not None:
            from .plot.bare import curves

            curves({model.upper(): made.history}, curve)
            typer.echo(f"{curve}: the learning curve")


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    files: In,
    out: Annotated[Path | None, typer.Option(help="One number a line; the standard output unless given.")] = None,
    format: Named = None,
    margins: Annotated[bool, typer.Option("--margins", help="Margins instead of probabilities or rates.")] = False,
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first malformed line.")] = False,
) -> None:
    """Score files, a number a line in their order; malformed lines are left out and counted."""
    from .checkpoint import replacing
    from .models.scoring import write_scores

    with plain_errors():
        made = _loaded(model, threads)
        if out is None:
            counts = write_scores(made, files, format, sys.stdout.buffer, margins, strict)
        else:
            with replacing(out) as temporary, open(temporary, "wb") as file:
                counts = write_scores(made, files, format, file, margins, strict)
        for line in malformed(counts):
            typer.echo(line, err=True)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    files: In,
    format: Named = None,
    fields: Annotated[bool, typer.Option("--fields", help="Also a line for each field.")] = False,
    bins: Annotated[int, typer.Option(help="Of the calibration.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
) -> None:
    """Loss, AUC, normalised entropy and calibration on labelled files."""
    from json import dumps

    with plain_errors():
        found = _loaded(model, threads).evaluate(_one(files), format, bins=bins, fields=fields, progress=None)
        typer.echo(dumps(found.to_json()) if json else str(found))


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    out: Annotated[Path, typer.Option(help="The text file, or with --small the model file.")],
    small: Annotated[bool, typer.Option("--small", help="A model file without slots, for prediction alone.")] = False,
) -> None:
    """Write the weights as text: id, weight, factors; or as a smaller model file."""
    with plain_errors():
        made = _loaded(model, None)
        if small:
            made.save(out, slots=False)
        else:
            made.export_text(out)
        typer.echo(f"{out}: {out.stat().st_size:,} bytes")


def _loaded(path: Path, threads: int | None) -> Model:
    from .models import load
    from .threads import check_threads

    found = load(path)
    found.threads = None if threads is None else check_threads(threads)
    return found


def writable(path: Path) -> None:
    """Raises now rather than after the training if the model cannot be saved there."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; give the name of a file", str(path))
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder))
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "cannot be written to", str(folder))


def _held(model: Model) -> str:
    held = [p.valid for p in model.history if p.valid is not None]
    return f", validation {min(held):.5f}" if held else ""


def _one(files: list[str]) -> Any:
    return files[0] if len(files) == 1 else files


def malformed(counts: Any) -> list[str]:
    """Lines to tell the user: how many were malformed, and the first ones."""
    if counts is None or not counts.malformed:
        return []
    lines = [f"{counts.malformed:,} of {counts.lines:,} lines were malformed and left out, the first of them:"]
    return lines + [f"  {name}:{line}: {reason}" for name, line, reason in counts.first]
