"""A body that has not noticed the change of keys."""

from typing import ClassVar

from sandbox.manners.base import Manner, Options


class OldKey(Manner[Options]):
    """Signs receipts, answers and messages with its oldest key alone; both must be valid during a rotation."""

    name: ClassVar[str] = "old_key"
    line: ClassVar[str] = "轮换期内只用旧密钥签名"
    only_oldest_key: ClassVar[bool] = True
