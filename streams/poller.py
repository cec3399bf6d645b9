"""Role: the HTTP poller, the patient one of the chain's inputs."""

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Ask for the head by period, and hand over what is new."""
    await parts.poller.run()
