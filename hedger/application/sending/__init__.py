"""The sender: carries requested transactions to their outcome on chain, one nonce a request, through any crash."""

from hedger.application.sending.sender import Sender
from hedger.application.sending.settings import SenderSettings, SenderStopped

__all__ = ["Sender", "SenderSettings", "SenderStopped"]
