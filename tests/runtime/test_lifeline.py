"""Children end with their owner, however the owner ends, and take their own children along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime.child import Child, ChildError
from tests.runtime.processes import ROOT, comes_true, everybody, lives, next_line, owner, parent_of

# A command with a child in its group and a child that left the group; it prints the three numbers.
FAMILY = "sleep 600 & near=$!; setsid sleep 600 & far=$!; echo $$ $near $far > '{told}'; {then}"

OWNER = """
import sys, time
from pathlib import Path
from runtime.child import Child
child = Child("family", ["sh", "-c", sys.argv[1]], grace=float(sys.argv[2]))
child.start()
print(child.pid)
if sys.argv[3] == "raise":
    raise SystemExit(5)
time.sleep(600)
"""

BY_HAND = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-m", "runtime.lifeline", "--", "sleep", "600"]).pid)
time.sleep(600)
"""


def family(told: Path, then: str = "wait") -> str:
    return FAMILY.format(told=told, then=then)


def members(told: Path) -> list[int]:
    assert comes_true(lambda: told.exists() and len(told.read_text().split()) == 3)
    pids = [int(word) for word in told.read_text().split()]
    assert all(map(lives, pids))
    return pids


def all_gone(pids: list[int], seconds: float = 10.0) -> bool:
    return comes_true(lambda: not any(map(lives, pids)), seconds)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_the_owner_killed_takes_the_whole_family_along(tmp_path: Path, how: signal.Signals) -> None:
    process = owner(OWNER, family(tmp_path / "told"), "5", "sleep")
    watcher = parent_of(int(next_line(process)))
    pids = members(tmp_path / "told")
    process.send_signal(how)
    process.wait()
    assert all_gone([watcher, *pids])


def test_the_owner_ending_by_itself_takes_the_family_along(tmp_path: Path) -> None:
    process = owner(OWNER, family(tmp_path / "told"), "5", "raise")
    next_line(process)
    assert process.wait() == 5
    assert comes_true(lambda: (tmp_path / "told").exists())
    assert all_gone([int(word) for word in (tmp_path / "told").read_text().split()])


def test_who_will_not_hear_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    deaf = family(tmp_path / "told", "trap '' TERM; while :; do sleep 0.1; done")
    child = Child("deaf", ["sh", "-c", deaf], grace=0.5)
    child.start()
    pids = members(tmp_path / "told")
    started = time.monotonic()
    assert child.stop() == 128 + signal.SIGKILL
    assert 0.4 < time.monotonic() - started < 5
    assert all_gone(pids, 0.5)


def test_a_killed_watcher_takes_the_command_along() -> None:
    child = Child("sleep", ["sleep", "600"])
    child.start()
    pid = child.pid
    assert pid is not None
    os.kill(parent_of(pid), signal.SIGKILL)
    assert comes_true(lambda: not lives(pid))
    assert comes_true(lambda: not child.alive())
    child.start()
    assert child.alive()
    child.stop()


def test_the_end_of_the_thread_that_started_it_is_not_the_end_of_the_owner() -> None:
    child = Child("sleep", ["sleep", "600"])
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    time.sleep(1.5)
    assert child.alive()
    child.stop()


def test_a_forked_copy_of_the_owner_keeps_nothing_alive(tmp_path: Path) -> None:
    script = OWNER.replace("if sys", "import os\nif os.fork() == 0:\n    time.sleep(8); os._exit(0)\nif sys")
    process = owner(script, family(tmp_path / "told"), "5", "sleep")
    next_line(process)
    pids = members(tmp_path / "told")
    process.kill()
    assert all_gone(pids, 4)
    process.wait()


def test_it_is_asked_politely_first_and_its_exit_status_told(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 7' INT; echo ready; while :; do sleep 0.05; done"
    log = tmp_path / "a log"
    child = Child("polite", ["sh", "-c", script], signal=signal.SIGINT, log_path=log)
    child.start()
    assert child.exit_code is None
    assert comes_true(lambda: log.read_text() == "ready\n")
    assert child.stop() == 7
    assert log.read_text() == "ready\nbye\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert child.pid is None
    assert child.wait(0) == 7


def test_environment_and_folder_are_the_ones_given(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child("env", ["/bin/sh", "-c", "pwd; echo $WORD"], env={"WORD": "通路"}, cwd=tmp_path, log_path=log)
    child.start()
    assert child.wait(10) == 0
    assert log.read_text() == f"{tmp_path}\n通路\n"


def test_what_cannot_be_run_is_named(tmp_path: Path) -> None:
    for child in (
        Child("ghost", [str(tmp_path / "no such")]),
        Child("ghost", ["true"], cwd=tmp_path / "no such"),
        Child("ghost", ["true"], log_path=tmp_path / "no such" / "log"),
    ):
        with pytest.raises(ChildError, match=r"ghost.*no such"):
            child.start()
        assert not child.alive()
    with pytest.raises(ChildError, match="no such user"):
        Child("ghost", ["true"], user="no_such_user").start()


def test_stopping_or_waiting_before_a_start_is_harmless() -> None:
    child = Child("never", ["true"])
    assert (child.stop(), child.wait(0), child.exit_code, child.alive()) == (None, None, None, False)


def test_no_descriptor_is_left_open() -> None:
    child = Child("short", ["true"])
    child.start()
    child.wait(10)
    child.stop()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        child.start()
        child.wait(10)
        child.stop()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="expected: only root can change the user")
def test_root_runs_it_as_another_user_without_groups(tmp_path: Path) -> None:
    child = Child("who", ["sh", "-c", "id -u; id -G"], user="nobody", log_path=tmp_path / "log", cwd=Path("/"))
    child.start()
    assert child.wait(10) == 0
    assert (tmp_path / "log").read_text().split() == ["65534", "65534"]


def test_by_hand_it_ends_with_its_parent_and_exits_as_the_command() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "runtime.lifeline", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("--", "sh", "-c", "exit 9").returncode == 9
    assert run("--", "sh", "-c", "kill -9 $$").returncode == 137
    missing = run("--", "/no/such/command")
    assert missing.returncode == 127
    assert "/no/such/command" in missing.stderr
    assert "SIGTERM" in run("--signal", "TERM", "--", "true").stderr
    process = owner(BY_HAND)
    watcher = int(next_line(process))
    assert comes_true(lambda: any(parent_of(pid) == watcher for pid in everybody()))
    process.kill()
    process.wait()
    assert comes_true(lambda: not lives(watcher))
