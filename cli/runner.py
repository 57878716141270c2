"""The runner: executes what operators start from the Prefect UI and what the schedules ask for, one process a run."""

from __future__ import annotations

import os
import time

from config.settings import settings


def main() -> None:
    """Register the deployments as soon as Prefect's server answers, then become its worker; deployments come back by themselves."""
    from cli.stack import probe
    from flows import deploy

    ready = probe(f"{settings().prefect_api}/health")
    while not ready():
        time.sleep(0.5)
    deploy.deploy()
    argv = deploy.runner_argv()
    os.execvpe(argv[0], argv, os.environ)  # noqa: S606  (our own command line)


if __name__ == "__main__":
    main()
