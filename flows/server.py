"""Prefect's server: on the same PostgreSQL in a database of its own, telemetry off, retention on from the first day."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from config.settings import Settings

RETENTION_DAYS = 60


class VersionsDiffer(RuntimeError):
    """Client and server are of different versions, which Prefect answers with errors that explain nothing."""


def prefect_env(settings: Settings, database_url: str, home: Path) -> dict[str, str]:
    """Environment of Prefect's server and of every process that speaks to it.

    Args:
        database_url: postgresql:// URL of Prefect's own database. home: where Prefect keeps its files.
    """
    return {
        "PREFECT_API_URL": settings.prefect_api,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": asyncpg_url(database_url),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "true",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Nothing is told to anybody outside.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
        "DO_NOT_TRACK": "1",
        # By default only events are ever removed.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RETENTION_DAYS * 86_400),
        # Task runs one by one: about 30 a second; in batches: about 80.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
        # "Finished in state Completed()" for every task run is what fills databases.
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        # A server that is away is away: the work goes on without it.
        "PREFECT_CLIENT_MAX_RETRIES": "2",
        "PREFECT_API_REQUEST_TIMEOUT": "15",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }


def asyncpg_url(url: str) -> str:
    """The same database for Prefect, whose driver is asyncpg and names TLS differently."""
    parts = urlsplit(url)
    query = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), ""))


def server_argv(settings: Settings) -> list[str]:
    """The command line of the server, to be run with `prefect_env`."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", settings.host, "--port", str(settings.prefect_port)]


def answers(api: str, within: float = 5.0) -> bool:
    """Whether the server at `api` can do its work: answers a question that it must ask its database, within so many seconds.

    Its own /health is 200 whatever has become of the database, and /ready while it can be connected to, tables or no tables.
    """
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(f"{api}/work_pools/filter", json={"limit": 1}, timeout=within).status_code == 200
        except requests.RequestException:
            return False


def check_versions(api: str) -> None:
    """Whether the server at `api` is of our own Prefect's version.

    Raises:
        VersionsDiffer: it is not; says both. requests.RequestException: it does not answer.
    """
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"{api}/admin/version", timeout=5)
    answer.raise_for_status()
    ours, theirs = version("prefect"), str(answer.json())
    if ours != theirs:
        raise VersionsDiffer(f"Prefect 服务端是 {theirs}，本机是 {ours}；请把两边装成同一版本（见 requirements.lock）后重新启动")
