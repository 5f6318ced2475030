"""Pictures of results: horizontal bars in SVG, readable in light and dark.

Sixty lines, where a library would bring a hundred megabytes.
"""

from html import escape

from tests.bench.run import Result

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 34, 130, 150, 64
OURS, THEIRS = "#2f6f4f", "#8a8f98"
HEADLINES = {
    "idle-5000": ("kib", "KiB for an idle socket"),
    "whole-path": ("posts", "messages a second"),
}

STYLE = (
    "<style>text{font:14px "
    "system-ui,sans-serif;fill:#1f2328}.quiet{fill:#59636e;font-size:12px}.title{font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}}</style>"
)


def bars(result: Result) -> str | None:
    """Draw the headline figure of a cell with its spread; None without a comparison."""
    figure, words = HEADLINES.get(
        result.cell.name, ("cpu_us", f"µs of server CPU for a {result.cell.unit}")
    )
    found = {
        name: some[figure]
        for name, some in result.figures.items()
        if figure in some and some[figure].most > 0
    }
    if len(found) < 2:
        return None
    longest = max(spread.most for spread in found.values())
    height = TOP + ROW * len(found) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">',
        f"<title>{escape(result.cell.work)}</title>{STYLE}",
        f'<text class="title" x="0" y="20">{escape(words)}</text><text class="quiet" x="0" '
        f'y="42">{escape(result.cell.work)}</text>',
    ]
    for place, (name, spread) in enumerate(found.items()):
        y = TOP + ROW * place
        scale = (WIDTH - LEFT - RIGHT) / longest
        colour = OURS if name.startswith("holdfast") else THEIRS
        middle = y + ROW / 2 - 4
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 5}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{max(1, spread.median * scale):.1f}" '
            f'height="{ROW - 10}" rx="3" fill="{colour}"/>',
            f'<path d="M{LEFT + spread.least * scale:.1f} '
            f'{middle}H{LEFT + spread.most * scale:.1f}" stroke="#111" stroke-opacity=".6"/>',
            f'<text x="{LEFT + spread.most * scale + 8:.1f}" '
            f'y="{middle + 5}">{_number(spread.median)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
