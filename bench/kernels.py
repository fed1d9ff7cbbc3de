"""`schuss bench kernels`: all rules, sizes and peers; writes JSON and plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from . import micro, report
from .cases import CASES


def main(
    out: Path = Path("results"),
    quick: bool = False,
    rules: Sequence[str] | None = None,
    name: str | None = None,
) -> list[Path]:
    """Measures, prints and writes; quick: small sizes, a third of the rounds, the most threads only."""
    console = Console(stderr=True)
    threads = micro.thread_counts(quick)
    chosen = list(rules) if rules else list(CASES)
    with console.status("starting") as status:
        rows = micro.run(
            chosen,
            micro.QUICK_SIZES if quick else micro.SIZES,
            threads,
            quick=quick,
            progress=lambda text: status.update(text),
        )
        small = micro.many(
            [r for r in ("SGD", "AdaGrad", "Adam") if r in chosen],
            threads=threads,
            rounds=5 if quick else 25,
            progress=lambda text: status.update(text),
        )
    about = report.machine()
    report.show(about, rows, small)
    paths = report.write(out, name or report.default_name(about) + ("-quick" if quick else ""), about, rows, small)
    for path in paths:
        console.print(f"wrote {path}", highlight=False)
    return paths
