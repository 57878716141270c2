"""The body everybody wishes for."""

from typing import ClassVar

from sandbox.manners.base import Manner, Options


class Prompt(Manner[Options]):
    """Follows the plain script."""

    name: ClassVar[str] = "prompt"
    line: ClassVar[str] = "及时：当日签收，三日内受理，二十日内办结"
