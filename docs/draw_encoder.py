"""Draw the encoder and what stands beside it: python docs/draw_encoder.py writes encoder.svg."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

BLUE, ORANGE, GREEN, GREY = "#cfe2f3", "#fce5cd", "#d9ead3", "#eeeeee"
# Centre, width, text, colour; heights are all the same.
BOXES = {
    "dosages": (1.0, 2.6, 1.5, "dosages\n(n, markers)", GREY),
    "gates": (3.1, 3.6, 1.6, "merge, scale,\ngate $g \\odot z$", BLUE),
    "tokens": (5.3, 3.6, 1.7, "window tokens\n$W_w (g \\odot z)_w + b_w$", BLUE),
    "queries": (7.7, 4.6, 1.8, "learned queries\nattend to tokens", BLUE),
    "hidden": (9.9, 4.1, 1.6, "64 ReLU units:\ncombinations", BLUE),
    "direct": (8.8, 3.0, 1.8, "linear read-out:\nwindows that add", BLUE),
    "additive": (7.2, 1.7, 1.9, "additive effects\n$a \\odot g \\odot z$", BLUE),
    "members": (12.1, 3.1, 1.9, "3 or 4 regimes x\n5 members", BLUE),
    "polygenic": (7.2, 0.6, 3.4, "polygenic term: 4 kernels, REML", GREEN),
    "weights": (14.3, 1.9, 1.8, "weights by trait,\nout of fold", ORANGE),
    "traits": (16.4, 1.9, 1.4, "traits\n(n, traits)", GREY),
}
ARROWS = [
    ("dosages", "gates"),
    ("gates", "tokens"),
    ("tokens", "queries"),
    ("tokens", "hidden"),
    ("queries", "hidden"),
    ("tokens", "direct"),
    ("gates", "additive"),
    ("hidden", "members"),
    ("direct", "members"),
    ("additive", "members"),
    ("dosages", "polygenic"),
    ("members", "weights"),
    ("polygenic", "weights"),
    ("weights", "traits"),
]
HEIGHT = 0.72


def main() -> None:
    """Draw boxes, then arrows from right edges to left edges."""
    figure, ax = plt.subplots(figsize=(11.5, 3.7))
    for x, y, width, text, colour in BOXES.values():
        corner = x - width / 2, y - HEIGHT / 2
        box = FancyBboxPatch(
            corner, width, HEIGHT, boxstyle="round,pad=0.02", facecolor=colour, edgecolor="#555555"
        )
        ax.add_patch(box)
        ax.text(x, y, text, ha="center", va="center", fontsize=8.5)
    for start, end in ARROWS:
        x0, y0, width0 = BOXES[start][:3]
        x1, y1, width1 = BOXES[end][:3]
        ax.annotate(
            "",
            (x1 - width1 / 2 - 0.03, y1),
            (x0 + width0 / 2 + 0.03, y0),
            arrowprops={"arrowstyle": "->", "color": "#555555", "shrinkA": 0, "shrinkB": 0},
        )
    ax.set(xlim=(0, 17.3), ylim=(0.1, 5.1))
    ax.set_axis_off()
    figure.tight_layout(pad=0.2)
    figure.savefig(Path(__file__).with_name("encoder.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
