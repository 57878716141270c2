"""Where the product keeps its data by default, and as which user its servers run."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

DATA_SETTING = "TONGLU_DATA_DIR"
USER_SETTING = "TONGLU_PG_USER"


class PlaceError(RuntimeError):
    """A folder or user cannot be used; the message says why and how to mend it."""


def data_home() -> Path:
    """The folder of all data of this installation, absolute; it need not exist.

    TONGLU_DATA_DIR if set; for root /var/lib/tonglu, since the user that PostgreSQL runs as cannot enter /root; for
    anybody else $XDG_DATA_HOME/tonglu or ~/.local/share/tonglu. Raises PlaceError for a relative TONGLU_DATA_DIR.
    """
    chosen = os.environ.get(DATA_SETTING, "").strip()
    if chosen:
        path = Path(chosen).expanduser()
        if not path.is_absolute():
            raise PlaceError(f"{DATA_SETTING}={chosen} 不是绝对路径；请改成以 / 开头的路径")
        return path
    if os.geteuid() == 0:
        return Path("/var/lib/tonglu")
    share = os.environ.get("XDG_DATA_HOME", "")
    return (Path(share) if share.startswith("/") else Path.home() / ".local" / "share") / "tonglu"


def server_user() -> str | None:
    """The account PostgreSQL must run as: None (ourselves) unless we are root; then TONGLU_PG_USER or "nobody".

    Raises PlaceError if that account does not exist or is root itself.
    """
    if os.geteuid() != 0:
        return None
    name = os.environ.get(USER_SETTING, "").strip() or "nobody"
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise PlaceError(
            f"系统中没有用户 {name}；PostgreSQL 不能以 root 运行，请用 {USER_SETTING} 指定普通用户"
        ) from None
    if account.pw_uid == 0:
        raise PlaceError(f"{USER_SETTING}={name} 就是 root；PostgreSQL 不能以 root 运行，请指定普通用户")
    return name


def can_enter(folder: Path, user: str | None) -> bool:
    """Whether `user` (None: ourselves) can enter `folder`, tried and not guessed from modes. Needs root for others."""
    if user is None:
        return os.access(folder, os.X_OK)
    account = pwd.getpwnam(user)
    tried = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return tried.returncode == 0


def private_folder(folder: Path, user: str | None) -> Path:
    """Make `folder` if need be, of mode 0700 and owned by `user` (None: ourselves), and return it.

    Raises PlaceError if it is a symbolic link, not a folder, or somebody else's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    wanted = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    found = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or found.st_uid not in (wanted, os.geteuid()):
        raise PlaceError(f"{folder} 不是我们自己的文件夹；请检查是谁建立的，删除后重试")
    if found.st_uid != wanted:
        os.chown(folder, wanted, -1, follow_symlinks=False)
    folder.chmod(0o700)
    return folder
