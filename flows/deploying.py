"""Deployments that come back by themselves: whichever resident worker finds some missing registers them, one worker at a time."""

from __future__ import annotations

import logging

from flows import deploy
from flows.context import Context
from models.patience import arguments, async_patient

log = logging.getLogger("tonglu.deploy")

# Two that register the same deployment at once would leave it with its schedule twice.
_KEY = 0x74676465


async def restore(context: Context) -> int:
    """Register what is missing at Prefect's server, unless another process is about it. Returns how many deployments are new.

    The server is that of PREFECT_API_URL, and well. The lock is held by a session of its own, in no transaction.
    Raises httpx.HTTPError, PrefectHTTPStatusError, BadDefinitions, psycopg.OperationalError.
    """
    if not await deploy.missing():
        return 0
    patience = context.settings.database_patience
    async with await async_patient(patience).connect(context.url, autocommit=True, application_name="tonglu-deploy", **arguments(patience)) as line:
        row = await (await line.execute("select pg_try_advisory_lock(%s)", (_KEY,))).fetchone()
        if row is None or not row[0]:
            return 0
        new = await deploy.restore()
    if new:
        log.warning("%d deployments were missing at Prefect and are registered again", len(new))
    return len(new)
