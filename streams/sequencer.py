"""Role: the sequencer, which puts the collectors' blocks in order and tells their facts."""

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Publish facts in the order of the chain."""
    await parts.feed.run()
