"""What a command tells and how it ends: 0 good, 1 found something wrong, 2 bad usage or configuration."""

from __future__ import annotations

GOOD, FOUND, BAD = 0, 1, 2


class Fault(Exception):
    """A command cannot do what was asked. `what` and `cure` are Chinese and name nothing personal; `code` is the exit status."""

    def __init__(self, what: str, cure: str = "", code: int = BAD) -> None:
        super().__init__(f"{what}。修正：{cure}" if cure else what)
        self.what, self.cure, self.code = what, cure, code
