"""Messages through Apprise to a real HTTP server: what arrives, what counts as not delivered, what stays secret."""

import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from hedger.adapters.notify import NotDelivered
from hedger.adapters.notify_apprise import AppriseNotifier, UnknownAddress
from hedger.domain.alerts.events import Level
from hedger.domain.alerts.routing import Message
from tests.webhook import Webhook

TOKEN = "s3cr3t-t0ken"


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as webhook:
        yield webhook


def message(level: Level = Level.CRITICAL, *, is_recovery: bool = False) -> Message:
    return Message(title="[critical] venue", body="no answer & <none> for 30 s", level=level, is_recovery=is_recovery)


def to(webhook: Webhook, *, longest_s: float = 10.0) -> AppriseNotifier:
    return AppriseNotifier(SecretStr(webhook.address(f"user:{TOKEN}@")), longest_s=longest_s)


async def test_a_message_arrives_as_it_is(webhook: Webhook) -> None:
    await to(webhook).tell(message())
    [told] = webhook.told
    assert (told["title"], told["message"], told["type"]) == (
        "[critical] venue",
        "no answer & <none> for 30 s",
        "failure",
    )


async def test_lines_are_kept_where_a_service_shows_html(webhook: Webhook) -> None:
    notifier = AppriseNotifier(SecretStr(webhook.address() + "?format=html"))
    await notifier.tell(Message(title="two", body="one & <one>\ntwo", level=Level.INFO, is_recovery=False))
    assert "&lt;one&gt;<br" in webhook.told[0]["message"]


async def test_the_kind_follows_the_level_and_a_recovery_is_a_success(webhook: Webhook) -> None:
    for level in Level:
        await to(webhook).tell(message(level))
    await to(webhook).tell(message(is_recovery=True))
    assert [told["type"] for told in webhook.told] == ["info", "warning", "failure", "success"]


async def test_a_refusal_is_not_delivered(webhook: Webhook) -> None:
    webhook.status = 500
    with pytest.raises(NotDelivered, match="not reached, or refused"):
        await to(webhook).tell(message())


async def test_a_service_that_does_not_answer_is_given_up_after_a_while(webhook: Webhook) -> None:
    webhook.delay_s = 1.0
    with pytest.raises(NotDelivered, match=r"no answer within 0\.2 s"):
        await to(webhook, longest_s=0.2).tell(message())


@pytest.mark.parametrize("address", ["", "nonsense", "no-such-service://host", "tgram://", "json://"])
def test_an_address_that_apprise_does_not_know_is_refused_without_naming_it(address: str) -> None:
    with pytest.raises(UnknownAddress) as caught:
        AppriseNotifier(SecretStr(address))
    assert str(caught.value) == "not a URL that Apprise knows"


async def test_the_address_shows_in_no_error_no_line_and_no_repr(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    notifier = to(webhook)
    with caplog.at_level(logging.INFO):
        await notifier.tell(message())
        webhook.status = 404
        with pytest.raises(NotDelivered) as refused:
            await notifier.tell(message())
        await webhook.close()
        with pytest.raises(NotDelivered) as unreached:
            await notifier.tell(message())
    said = [str(refused.value), str(unreached.value), repr(notifier), caplog.text, *capfd.readouterr()]
    assert not [each for each in said if TOKEN in each or str(webhook.port) in each]
