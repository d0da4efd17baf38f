"""The figures as bars: an SVG that any browser shows."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_WIDTH: Final = 760
_LEFT: Final = 190
_BAR: Final = 360
_ROW: Final = 24
_TITLE: Final = 34
_MARGIN: Final = 20
_WHOLE_FROM: Final = 100
"""From here on figures are shown without a fraction."""
_STYLE: Final = "font-family: system-ui, sans-serif; font-size: 13px"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under one title, all on one scale from zero. A `goal` is drawn as a line."""

    title: str
    bars: Sequence[tuple[str, float]]
    unit: str
    goal: float | None = None


def charts(line: Mapping[str, Any]) -> list[Chart]:
    """The charts of what the last line holds; parts that did not run are left out."""
    wanted = [
        (
            "Commands a second, one worker",
            ("bare_per_s", "hub_per_s", "naive_per_s", "hub_two_workers_per_s"),
            "/s",
            None,
        ),
        ("Hub over bare loop", ("hub_over_bare",), "", 0.5),
        ("Hub over naive agent", ("hub_over_naive",), "", 3.0),
        ("Added to a command at half load", ("added_p50_ms", "added_p99_ms", "added_p999_ms"), "ms", None),
        ("Events a second", ("projector_per_s", "replay_per_s"), "/s", None),
        ("Replay over a raw consumer", ("replay_over_raw",), "", 0.7),
        ("Ledger a second", ("claims_per_s", "lives_per_s"), "/s", None),
        ("Cost with 1,000,000 keys over 10,000", ("cost_1m_over_10k",), "", 1.0),
        (
            "Webhooks a second, half of them forged",
            ("webhooks_most_per_s", "webhooks_accepted_per_s", "webhooks_refused_per_s"),
            "/s",
            None,
        ),
        ("A webhook's answer at a steady load", ("webhooks_p50_ms", "webhooks_p99_ms"), "ms", None),
        ("Worker's memory before 1,000,000 commands", ("rss_mb",), "MiB", None),
    ]
    found = [
        Chart(title, [(_label(name), float(line[name])) for name in names if line.get(name) is not None], unit, goal)
        for title, names, unit, goal in wanted
    ]
    shares = line.get("processor_us_per_command")
    if shares:
        bars = sorted(shares.items(), key=lambda bar: -bar[1])
        found.append(Chart("Processor time of a command in the worker", bars, "µs"))
    return [chart for chart in found if chart.bars]


def draw(line: Mapping[str, Any], path: Path) -> None:
    """Write the picture of a run's last line to `path`, whose folder is made where it is missing."""
    drawn = charts(line)
    height = _MARGIN * 2 + sum(_TITLE + _ROW * len(chart.bars) + _MARGIN for chart in drawn)
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "width": str(_WIDTH),
            "height": str(height),
            "style": _STYLE,
        },
    )
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    top = _MARGIN
    for chart in drawn:
        top = _chart(svg, chart, top)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(svg).write(path, encoding="utf-8", xml_declaration=True)


def _chart(svg: ET.Element, chart: Chart, top: int) -> int:
    """Draw one chart whose upper edge is `top`, and return where the next one begins."""
    _text(svg, chart.title, _MARGIN, top + 18, weight="600")
    top += _TITLE
    longest = max([value for _, value in chart.bars] + [chart.goal or 0.0]) or 1.0
    for index, (name, value) in enumerate(chart.bars):
        row = top + index * _ROW
        width = max(1.0, _BAR * value / longest)
        _text(svg, name, _LEFT - 10, row + 15, anchor="end")
        ET.SubElement(
            svg,
            "rect",
            {"x": str(_LEFT), "y": str(row), "width": f"{width:.1f}", "height": str(_ROW - 6), "fill": "#3b6ea5"},
        )
        _text(
            svg,
            f"{value:,.4g} {chart.unit}" if value < _WHOLE_FROM else f"{value:,.0f} {chart.unit}",
            _LEFT + width + 8,
            row + 14,
        )
    bottom = top + _ROW * len(chart.bars)
    if chart.goal is not None:
        goal = f"{_LEFT + _BAR * chart.goal / longest:.1f}"
        ET.SubElement(
            svg,
            "line",
            {
                "x1": goal,
                "x2": goal,
                "y1": str(top - 4),
                "y2": str(bottom - 2),
                "stroke": "#c0392b",
                "stroke-width": "2",
            },
        )
    return bottom + _MARGIN


def _text(svg: ET.Element, text: str, x: float, y: float, *, anchor: str = "start", weight: str = "400") -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "font-weight": weight, "fill": "#222222"}
    ET.SubElement(svg, "text", place).text = text


def _label(name: str) -> str:
    return name.removesuffix("_per_s").removesuffix("_ms").replace("_", " ")
