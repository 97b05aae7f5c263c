"""The frame of a plot of ours: SVG that is legible in a light and in a dark page."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

_STYLE: Final = (
    "text{font:13px sans-serif;fill:#1a1a1a}.title{font-weight:bold}.bar{fill:#2f6db5}.spread{stroke:#1a1a1a}"
    ".line{fill:none;stroke:#2f6db5;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.bar{fill:#6ea8e8}.spread{stroke:#eee}.line{stroke:#6ea8e8}}"
)


def drawing(title: str, width: int, height: int, body: Sequence[str]) -> str:
    """An SVG document; `title` is what a screen reader says."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            'aria-labelledby="title">',
            f'<title id="title">{escape(title)}</title>',
            f"<style>{_STYLE}</style>",
            *body,
            "</svg>\n",
        )
    )
