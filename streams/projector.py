"""Role: the projector."""

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Keep the read models up with the log."""
    await parts.projector.run()
