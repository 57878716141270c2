"""The runner: executes what operators start from the Prefect UI and what the schedules ask for, one process a run."""

from __future__ import annotations

import os
import time

from config.settings import settings


def main() -> None:
    """Wait until Prefect's server can do its work, then become its worker. What it runs, the deployments, is registered by the resident worker.

    Prefect's worker gives up when the server has been away or silent for long; then the supervisor starts this again.
    """
    from flows import deploy, server

    api = settings().prefect_api
    while not server.answers(api):
        time.sleep(0.5)
    # Made by Prefect's worker itself it would have no limit.
    deploy.make_pool(api)
    argv = deploy.runner_argv()
    os.execvpe(argv[0], argv, os.environ)  # noqa: S606  (our own command line)


if __name__ == "__main__":
    main()
