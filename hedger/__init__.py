"""An event-sourced hedger (PartyB, solver) for the SYMMIO protocol."""

__version__ = "0.1.0"
