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


def state_of(supervisor: Supervisor, name: str) -> State:
    return next(health.state for health in supervisor.health() if health.name == name)


@pytest.mark.parametrize("kill", [False, True])
def test_a_held_service_stays_down_until_it_is_released(tmp_path: Path, kill: bool) -> None:
    journal, heard = tmp_path / "journal", list[Health]()
    victim, other = waiter("victim", journal), Child("other", ["sleep", "600"])
    services = [Service(victim, ready=lambda: written(journal)[-1:] == ["victim up"], backoff=QUICK), Service(other)]
    with Supervisor(services, heard.append) as supervisor:
        before, others = victim.pid, other.pid
        assert before is not None
        supervisor.hold("victim", kill=kill)
        supervisor.hold("victim")
        assert not lives(before)
        time.sleep(1)
        assert victim.pid is None
        assert state_of(supervisor, "victim") is State.HELD
        assert not supervisor.healthy()
        assert written(journal) == (["victim up"] if kill else ["victim up", "victim down"])
        supervisor.release("victim")
        assert comes_true(supervisor.healthy)
        assert victim.pid not in (None, before)
        assert other.pid == others
    states = [health.state for health in heard if health.name == "victim"]
    assert states == [State.STARTING, State.READY, State.HELD, State.STARTING, State.READY, State.STOPPED]


def test_one_that_is_held_can_be_crashed_waiting_or_not_yet_started() -> None:
    victim, late = Child("victim", ["sleep", "600"]), Child("late", ["sleep", "600"])
    supervisor = Supervisor([Service(victim, backoff=Backoff(first=60, most=60)), Service(late)])
    with pytest.raises(SupervisorError, match=r"late.*没有停下"):
        supervisor.hold("late", within=0.1)
    with supervisor:
        assert state_of(supervisor, "victim") is State.READY
        assert comes_true(lambda: state_of(supervisor, "late") is State.HELD)
        assert not late.alive()
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        assert comes_true(lambda: state_of(supervisor, "victim") is State.CRASHED)
        supervisor.hold("victim", within=5)
        supervisor.release("victim")
        supervisor.release("late")
        assert comes_true(supervisor.healthy)
        with pytest.raises(SupervisorError, match=r"没有名为 ghost 的服务；现有：victim、late"):
            supervisor.hold("ghost")


def test_one_held_at_the_end_is_stopped_with_the_rest() -> None:
    victim = Child("victim", ["sleep", "600"])
    with Supervisor([Service(victim)]) as supervisor:
        supervisor.hold("victim")
    assert state_of(supervisor, "victim") is State.STOPPED
    assert not victim.alive()


def test_one_that_lives_and_does_no_good_is_started_again() -> None:
    answers = [True]
    heard: list[Health] = []
    mute = Child("mute", ["sleep", "600"])
    service = Service(mute, ready=lambda: answers[0], backoff=QUICK, restart_after=1.0, ready_within=0.5)
    with Supervisor([service], heard.append) as supervisor:
        before = mute.pid
        answers[0] = False
        assert comes_true(lambda: any(health.state is State.SILENT for health in heard))
        assert comes_true(lambda: mute.pid not in (None, before))
        answers[0] = True
        assert comes_true(supervisor.healthy)
    assert [health.state for health in heard][:4] == [State.STARTING, State.READY, State.UNREADY, State.SILENT]


def test_one_that_answers_though_it_is_not_ready_is_left_alone_until_it_falls_silent() -> None:
    ready, answers, asked = [True], [True], [0]
    heard: list[Health] = []
    waits = Child("waits", ["sleep", "600"])

    def says() -> bool:
        asked[0] += 1
        return answers[0]

    service = Service(waits, ready=lambda: ready[0], backoff=QUICK, restart_after=0.5, ready_within=0.5, answers=says)
    with Supervisor([service], heard.append) as supervisor:
        before = waits.pid
        ready[0] = False
        assert comes_true(lambda: asked[0] >= 3)
        assert State.SILENT not in [health.state for health in heard]
        assert waits.pid == before
        answers[0] = False
        assert comes_true(lambda: waits.pid not in (None, before))
        ready[0] = True
        assert comes_true(supervisor.healthy)


def test_one_nobody_waits_for_is_started_again_when_it_never_comes() -> None:
    heard: list[Health] = []
    mute = Child("mute", ["sleep", "600"])
    service = Service(mute, ready=lambda: False, backoff=QUICK, restart_after=0.5, ready_within=0.5, awaited=False)
    with Supervisor([service], heard.append):
        assert comes_true(lambda: [health.state for health in heard].count(State.SILENT) >= 2)


class Moody:
    """A process whose start and whose probe fail in ways of their own."""

    name = "moody"
    pid = None

    def __init__(self) -> None:
        self.starts = 0
        self.up = False

    def start(self) -> None:
        self.starts += 1
        if self.starts in (2, 3):
            raise ConnectionError("postgresql://user:password@host/ledger")
        self.up = True

    def stop(self) -> None:
        self.up = False

    def alive(self) -> bool:
        return self.up

    def ready(self) -> bool:
        if self.starts == 4:
            self.starts = 5
            raise ValueError
        return True


def test_whatever_a_start_or_a_probe_raises_the_watch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    moody = Moody()
    with Supervisor([Service(moody, ready=moody.ready, backoff=QUICK)]) as supervisor:
        moody.up = False
        assert comes_true(lambda: moody.starts == 5 and supervisor.healthy())
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text


class Unlucky:
    """A process that cannot be started at first, and one day cannot be looked at or stopped either."""

    pid = None

    def __init__(self, name: str, failing_starts: int = 0) -> None:
        self.name, self.failing_starts = name, failing_starts
        self.up = False
        self.looks_failing = self.stops_failing = 0

    def start(self) -> None:
        if self.failing_starts:
            self.failing_starts -= 1
            raise OSError(28, "No space left on device", "/secret/place/prefect.log")
        self.up = True

    def stop(self) -> None:
        if self.stops_failing:
            self.stops_failing -= 1
            raise PermissionError("/secret/place")
        self.up = False

    def alive(self) -> bool:
        if self.looks_failing:
            self.looks_failing -= 1
            raise OSError(24, "Too many open files", "/secret/place")
        return self.up


def test_one_nobody_waits_for_that_cannot_be_started_stops_nobody_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    ground, shown, last = Unlucky("ground"), Unlucky("shown", failing_starts=3), Unlucky("last")
    services = [Service(ground, backoff=QUICK), Service(shown, backoff=QUICK, awaited=False), Service(last, backoff=QUICK)]
    with Supervisor(services) as supervisor:
        assert (ground.up, last.up) == (True, True)
        assert comes_true(supervisor.healthy)
        assert supervisor.health()[1].restarts == 3
        assert [supervisor.health()[place].restarts for place in (0, 2)] == [0, 0]
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text
    # One that is waited for is what the rest stands on.
    ground, last = Unlucky("ground", failing_starts=10), Unlucky("last")
    with pytest.raises(SupervisorError, match="ground"):
        Supervisor([Service(ground), Service(last)]).start()
    assert not last.up


def test_whatever_looking_or_stopping_raises_the_watch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    answers = [True]
    unlucky = Unlucky("unlucky")
    with Supervisor([Service(unlucky, ready=lambda: answers[0], backoff=QUICK, ready_within=0.5, restart_after=0.5)]) as supervisor:
        unlucky.looks_failing = 2
        assert comes_true(lambda: unlucky.looks_failing == 0)
        # It falls silent and cannot be stopped at first.
        unlucky.stops_failing = 1
        answers[0] = False
        assert comes_true(lambda: unlucky.stops_failing == 0)
        answers[0] = True
        assert comes_true(supervisor.healthy)
        unlucky.up = False
        assert comes_true(lambda: unlucky.up)
        assert comes_true(supervisor.healthy)
    assert "OSError" in caplog.text
    assert "PermissionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_listener_that_fails_ends_nothing() -> None:
    victim = Child("victim", ["sleep", "600"])

    def broken(_: Health) -> None:
        raise BrokenPipeError

    with Supervisor([Service(victim, backoff=QUICK)], broken) as supervisor:
        before = victim.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        assert comes_true(lambda: victim.pid not in (None, before))
        assert comes_true(supervisor.healthy)


def test_a_start_that_fails_because_its_ground_crashed_is_tried_again(tmp_path: Path) -> None:
    ground = Child("ground", ["sleep", "600"])
    tries = tmp_path / "tries"

    def dependant() -> Child:
        # The first of its lives takes the ground with it and dies, as a gateway does when PostgreSQL is killed under it.
        script = 'echo x >> "$T"; if [ "$(wc -l < "$T")" = 1 ]; then kill -9 "$G"; sleep 0.2; exit 3; fi; exec sleep 600'
        return Child("dependant", ["sh", "-c", script], env={**os.environ, "T": str(tries), "G": str(ground.pid)})

    class Late:
        name = "dependant"
        child: Child | None = None

        @property
        def pid(self) -> int | None:
            return self.child.pid if self.child else None

        def start(self) -> None:
            self.child = self.child or dependant()
            self.child.start()

        def stop(self) -> None:
            if self.child:
                self.child.stop()

        def alive(self) -> bool:
            return self.child is not None and self.child.alive()

    with Supervisor([Service(ground, backoff=QUICK), Service(Late(), ready=lambda: len(written(tries)) == 2)]) as supervisor:
        assert supervisor.healthy()
        assert supervisor.health()[0].restarts == 1


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
