"""report.html: all results of a folder in one file that needs no network."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from . import headlines, summary
from .peers import everybody

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0.5rem 0 0; } h2 { margin: 2.2rem 0 0.4rem; } p { margin: 0.4rem 0; }
.wide { overflow-x: auto; } img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
table { border-collapse: collapse; font-size: 0.92rem; }
td, th { padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--line); }
th { text-align: left; background: var(--soft); } td:not(:first-child) { font-variant-numeric: tabular-nums; }
table.numbers td:not(:first-child), table.numbers th:not(:first-child) { text-align: right; white-space: nowrap; }
td:first-child { min-width: 7rem; }
.note { opacity: 0.75; } .bad { color: #c1272d; }
nav a { margin-right: 1rem; }
"""


def _table(grid: summary.Grid, kind: str = "numbers") -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in grid.head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in grid.rows)
    return f'<div class="wide"><table class="{kind}"><tr>{head}</tr>\n{rows}</table></div>\n'


def _section(grid: summary.Grid, kind: str = "numbers") -> str:
    note = f'<p class="note">{html.escape(grid.note)}</p>\n' if grid.note else ""
    return f'<h2 id="{_anchor(grid.title)}">{html.escape(grid.title)}</h2>\n{note}{_table(grid, kind)}'


def _anchor(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower())


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}"></p>\n'


def peers() -> summary.Grid:
    """Who is here in which version, and who is missing."""
    rows = [
        (p.name, p.version or f"missing: {p.remedy}", ", ".join(p.parts), p.settings)
        for p in sorted(everybody(), key=lambda p: p.version is None)
    ]
    return summary.Grid("Peers", "", ("peer", "version", "in", "settings"), rows)


def render(paths: Sequence[Path], runs: Sequence[tuple[str, float, str]] = ()) -> str:
    """The page of these JSON files and pictures; runs: part, seconds, and what went wrong, empty if nothing did."""
    found = summary.contents(path for path in paths if path.suffix == ".json")
    if not found:
        raise ValueError("paths: expected at least one JSON file with results, got none")
    about: dict[str, str] = {}
    for content in found:
        about |= content["machine"]
    grids = [grid for content in found for grid in summary.grids(content)]
    limits = [grid for grid in map(summary.limits, found) if grid]
    machine = summary.Grid("Machine", "", ("", ""), [(k, str(v)) for k, v in about.items()])
    tasks = headlines.tasks(found)
    names = [t.title for t in [machine, *limits, *grids]]
    body = f"<h1>schuss bench</h1>\n<p>{html.escape(about['cpu'])}, {about['cores']} cores, {about['date']}</p>\n"
    body += "<nav>" + "".join(f'<a href="#{_anchor(n)}">{html.escape(n)}</a> ' for n in names) + "</nav>\n"
    hero = next((path for path in paths if path.name == "hero.png"), None)
    body += _picture(hero) if hero else ""
    if tasks:
        all_peers = list(dict.fromkeys(p for t in tasks for p in t.times))
        rows = [(t.name, *(f"{t.times[p]:.2f}" if p in t.times else "" for p in all_peers)) for t in tasks]
        note = "How many times as long as schuss; below 1 the peer is faster."
        body += _section(summary.Grid("In short", note, ("work", *all_peers), rows))
    body += _section(machine, "words")
    body += "".join(_section(grid) for grid in [*limits, *grids])
    body += "<h2>Pictures</h2>\n" + "".join(_picture(p) for p in paths if p.suffix == ".png" and p != hero)
    body += _section(peers(), "words")
    if runs:
        rows = [(part, f"{seconds:.0f} s", wrong or "done") for part, seconds, wrong in runs]
        body += _section(summary.Grid("This run", "", ("part", "time", ""), rows), "words")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>schuss bench</title><style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
