"""Those who act beside traders and hedgers, one of each: whoever shares an account must share its count of nonces."""

import asyncio

from devnet.actors import Administrator, Enforcer, Liquidator, OracleClient
from devnet.world import World


class ThirdParties:
    """Each is made when it is asked for first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._making = asyncio.Lock()
        self._liquidator: Liquidator | None = None
        self._enforcer: Enforcer | None = None
        self._administrator: Administrator | None = None

    @property
    def oracle(self) -> OracleClient:
        """The oracle as they ask it."""
        return OracleClient(self._world.oracle.url, self._world.deployment, self._world.session)

    async def liquidator(self) -> Liquidator:
        async with self._making:
            self._liquidator = self._liquidator or await self._world.liquidator()
            return self._liquidator

    async def enforcer(self) -> Enforcer:
        async with self._making:
            self._enforcer = self._enforcer or await self._world.enforcer()
            return self._enforcer

    async def administrator(self) -> Administrator:
        async with self._making:
            self._administrator = self._administrator or await self._world.administrator()
            return self._administrator
