"""What went wrong, for the log: the kind of an exception and where in the code, never its words, which may quote a petition."""

from __future__ import annotations

import traceback
from pathlib import Path


def where(fault: BaseException) -> str:
    """E.g. `DataError (models/inbox.py:71 take_in)`: the innermost place in the product, or the innermost at all."""
    frames = traceback.extract_tb(fault.__traceback__)
    root = Path(__file__).resolve().parent.parent
    own = [f for f in frames if Path(f.filename).resolve().is_relative_to(root) and "site-packages" not in f.filename]
    if not frames:
        return type(fault).__name__
    frame = (own or frames)[-1]
    path = Path(frame.filename)
    return f"{type(fault).__name__} ({path.parent.name}/{path.name}:{frame.lineno} {frame.name})"
