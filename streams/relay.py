"""Role: the relay from the log to its topic."""

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Publish what the log asks for, from where this process began."""
    await parts.relay.run(parts.log, after=parts.relay_after)
