"""The supervisor with real processes: order, restarts, clean stop, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.child import Child
from runtime.supervisor import Backoff, Health, Service, State, Supervisor, SupervisorError
from tests.runtime.processes import comes_true, lives, next_line, owner

QUICK = Backoff(first=0.05, most=0.2)

UP = """
import sys
from pathlib import Path
from runtime.child import Child
from runtime.supervisor import Service, Supervisor
services = [Service(Child(name, ["sleep", "600"])) for name in ("one", "two")]
supervisor = Supervisor(services)
code = supervisor.run(lambda: print(*[health.pid for health in supervisor.health()]))
print("over", code, [health.state.value for health in supervisor.health()])
sys.exit(code)
"""


def waiter(name: str, journal: Path) -> Child:
    """A process that writes its start and its polite stop into `journal`."""
    script = f'trap \'echo {name} down >> "$J"; exit 0\' TERM; echo {name} up >> "$J"; while :; do sleep 0.02; done'
    return Child(name, ["sh", "-c", script], env={**os.environ, "J": str(journal)})


def written(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def test_services_start_in_order_each_ready_before_the_next_and_stop_in_reverse(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    services = [
        Service(waiter(name, journal), ready=lambda name=name: f"{name} up" in written(journal))  # type: ignore[misc]
        for name in ("a", "b", "c")
    ]
    with Supervisor(services) as supervisor:
        assert written(journal) == ["a up", "b up", "c up"]
        assert supervisor.healthy()
        pids = [health.pid for health in supervisor.health()]
        assert all(pid is not None and lives(pid) for pid in pids)
    assert written(journal)[3:] == ["c down", "b down", "a down"]
    assert [health.state for health in supervisor.health()] == [State.STOPPED] * 3
    assert not any(pid is not None and lives(pid) for pid in pids)


def test_a_crashed_service_comes_back_and_the_others_are_left_alone() -> None:
    heard: list[Health] = []
    victim, other = Child("victim", ["sleep", "600"]), Child("other", ["sleep", "600"])
    services = [Service(victim, backoff=QUICK), Service(other, backoff=QUICK)]
    with Supervisor(services, heard.append) as supervisor:
        before = other.pid
        for round_ in (1, 2):
            pid = victim.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert comes_true(lambda pid=pid: victim.pid not in (None, pid))  # type: ignore[misc]
            assert comes_true(supervisor.healthy)
            assert supervisor.health()[0].restarts == round_
        assert other.pid == before
    states = [health.state for health in heard if health.name == "victim"]
    assert states[:6] == [State.STARTING, State.READY, State.CRASHED, State.STARTING, State.READY, State.CRASHED]


def test_a_service_that_keeps_crashing_is_given_up_after_growing_pauses() -> None:
    hopeless = Child("hopeless", ["sh", "-c", "sleep 0.05; exit 3"])
    service = Service(hopeless, backoff=Backoff(first=0.1, factor=2, most=10, give_up=3))
    with Supervisor([service]) as supervisor:
        started = time.monotonic()
        assert supervisor.wait(20)
        assert time.monotonic() - started > 0.1 + 0.2 + 0.4
        assert supervisor.health()[0].state is State.GIVEN_UP
        assert supervisor.health()[0].restarts == 3


def test_a_service_not_ready_in_time_stops_what_came_before_and_names_its_log(tmp_path: Path) -> None:
    first = Child("first", ["sleep", "600"])
    mute = Child("mute", ["sleep", "600"], log_path=tmp_path / "mute.log")
    with pytest.raises(SupervisorError, match=r"mute.*mute\.log"):
        Supervisor([Service(first), Service(mute, ready=lambda: False, ready_within=0.3)]).start()
    assert not first.alive()
    assert not mute.alive()


def test_a_service_that_cannot_start_or_ends_at_once_is_named() -> None:
    with pytest.raises(SupervisorError, match="ghost"):
        Supervisor([Service(Child("ghost", ["/no/such/command"]))]).start()
    with pytest.raises(SupervisorError, match=r"brief.*退出"):
        Supervisor([Service(Child("brief", ["true"]), ready=lambda: False)]).start()
    with pytest.raises(SupervisorError, match="重复"):
        Supervisor([Service(Child("twin", ["true"])), Service(Child("twin", ["true"]))])


def test_a_service_that_is_alive_but_no_longer_ready_is_shown_so() -> None:
    answers = [True]
    with Supervisor([Service(Child("sleep", ["sleep", "600"]), ready=lambda: answers[0])]) as supervisor:
        answers[0] = False
        assert comes_true(lambda: supervisor.health()[0].state is State.UNREADY)
        assert not supervisor.healthy()
        answers[0] = True
        assert comes_true(supervisor.healthy)


def test_it_can_be_started_again() -> None:
    supervisor = Supervisor([Service(Child("sleep", ["sleep", "600"]))])
    for _ in range(2):
        supervisor.start()
        assert supervisor.healthy()
        supervisor.stop()


def pids_of(process: subprocess.Popen[str]) -> list[int]:
    pids = [int(word) for word in next_line(process).split()]
    assert all(map(lives, pids))
    return pids


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(how: signal.Signals) -> None:
    process = owner(UP)
    pids = pids_of(process)
    process.send_signal(how)
    assert next_line(process) == "over 0 ['stopped', 'stopped']"
    assert process.wait() == 0
    assert not any(map(lives, pids))


def test_a_signal_during_the_start_stops_what_has_started() -> None:
    slow = UP.replace('"600"]))', '"600"]), ready=lambda: False)').replace(
        "Supervisor(services)", "Supervisor(services, T)"
    )
    process = owner(slow.replace("services =", "T = lambda health: print(health.state, health.pid)\nservices ="))
    assert next_line(process).startswith("starting")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert next_line(process).startswith("stopped")
    assert next_line(process) == "over 0 ['stopped', 'waiting']"
    assert process.wait() == 0


def test_a_kill_of_the_supervisor_leaves_no_process() -> None:
    process = owner(UP)
    pids = pids_of(process)
    process.kill()
    process.wait()
    assert comes_true(lambda: not any(map(lives, pids)))


@given(st.builds(Backoff, st.floats(0.01, 5), st.floats(1, 10), st.floats(5, 100)), st.integers(1, 10_000))
def test_pauses_never_shrink_nor_pass_the_limit(backoff: Backoff, crashes: int) -> None:
    assert backoff.first <= backoff.delay(crashes) <= backoff.delay(crashes + 1) <= backoff.most
