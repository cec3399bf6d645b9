"""Role: the WebSocket listener, the fast one of the chain's inputs."""

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Hand each new block over as the node tells it."""
    if parts.listener is not None:
        await parts.listener.run()
