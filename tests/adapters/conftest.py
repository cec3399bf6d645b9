"""A log of each test's own."""

from collections.abc import AsyncIterator

import pytest
from log_samples import CODEC, ticking

from hedger.adapters.log.postgres_log import PostgresEventLog


@pytest.fixture
async def log(postgres_url: str) -> AsyncIterator[PostgresEventLog]:
    """A new, empty log in a database of its own."""
    log = await PostgresEventLog.open(postgres_url, CODEC, ticking())
    yield log
    await log.close()
