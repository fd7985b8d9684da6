"""The process of a drawing helper: pictures to draw on its standard input, whether they were drawn on its output.

`python -m reports.drawing_process`, started by `reports.drawing`; it ends when whoever started it closes its input or
ends, which the kernel tells it on Linux and macOS alike.
"""

from __future__ import annotations

import os
import pickle
import sys

from reports.drawing import draw_picture
from reports.languages import speaking


def main() -> None:
    """Draw what is asked for, one after the other, until nothing more can be."""
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    while True:
        try:
            picture, frame, reader = pickle.load(asked)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            with speaking(reader.language, reader.currency):
                draw_picture(picture, frame)
            is_drawn = True
        except Exception:  # it is drawn again where this is asked for, and the error is told there
            is_drawn = False
        pickle.dump(is_drawn, told)
        told.flush()


if __name__ == "__main__":
    main()
