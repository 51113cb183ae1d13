"""`tablao notify`: webhooks, what they were sent, and sending again."""

from tests.manager.cli.fake_manager import FakeManager, Run

WEBHOOK = "55555555-5555-4555-8555-555555555555"


def test_webhooks_are_listed_with_their_state(run: Run) -> None:
    outcome = run("notify", "list")

    assert "chat" in outcome.out
    assert "fails" in outcome.out
    assert "job-done, job-failed (project Pilot)" in outcome.out


def test_a_webhook_is_tried_by_its_name(run: Run, fake: FakeManager) -> None:
    outcome = run("notify", "test", "chat")

    assert (outcome.exit_code, fake.last) == (0, (f"/api/tablao/v1/webhooks/{WEBHOOK}/test", None))


def test_what_was_sent_is_printed_with_its_tries(run: Run) -> None:
    out = run("notify", "log", WEBHOOK).out

    assert "msg_1  waiting" in out
    assert "refused with 503" in out


def test_a_message_is_sent_again(run: Run, fake: FakeManager) -> None:
    run("notify", "resend", "msg_1")

    assert fake.last == ("/api/tablao/v1/deliveries/msg_1/resend", None)


def test_an_unknown_webhook_is_named(run: Run) -> None:
    outcome = run("notify", "test", "nowhere")

    assert (outcome.exit_code, "no webhook 'nowhere'" in outcome.err) == (1, True)
