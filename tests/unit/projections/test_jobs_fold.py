from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.jobs.fold import (
    Ended,
    Part,
    Published,
    Rejected,
    Sent,
    fold,
    merge_ended,
    merge_published,
    merge_rejected,
    merge_sent,
)
from projections.jobs.write import merged
from schemas.ids import new_id
from tests import builders as a
from tests.credential_builders import (
    a_credential_revoked,
    a_credential_rotated,
    a_credential_stored,
    a_master_key_rotated,
)
from tests.unit.projections.reading import entry_of

JOB = new_id()

sent = st.builds(
    lambda attempt, seconds: a.a_send_intended(
        command_id=JOB,
        payment_id=JOB,
        attempt=attempt,
        integration_id=f"i-{attempt}",
        intended_at=a.NOON + timedelta(seconds=seconds),
    ),
    st.integers(1, 5),
    st.integers(0, 100),
)


def _parts(*bodies: object) -> list[Part]:
    return [part for at, body in enumerate(bodies) for part in fold(entry_of(body, offset=at))]  # type: ignore[arg-type]


def test_each_topic_gives_its_own_part() -> None:
    order = a.a_create_payment()
    parts = _parts(order, a.a_send_intended(), a.a_payment_created(), a.a_command_rejected())
    assert [type(part) for part in parts] == [Published, Sent, Ended, Rejected]


def test_what_says_nothing_about_a_job_gives_none() -> None:
    others = (a.a_late_outcome(), a.a_result_divergence(), a.a_provider_called(), a.a_health_checked())
    by_hand = (a.an_integration_stopped(), a.an_integration_started(), a.a_command_withdrawn())
    secret = (a_credential_stored(), a_credential_rotated(), a_credential_revoked(), a_master_key_rotated())
    assert _parts(*others, *by_hand, *secret, a.a_breaker_changed()) == []


def test_a_persons_word_is_a_job_like_any_other() -> None:
    said = a.an_outcome_resolved()
    published, ended = _parts(a.a_resolve_outcome(), said)
    assert isinstance(published, Published)
    assert isinstance(ended, Ended)
    assert (ended.job_id, ended.verdict) == (said.command_id, "accepted")


def test_the_job_is_the_records_id() -> None:
    identifier = new_id()
    (part,) = fold(entry_of(a.a_create_payment(), id=identifier))
    assert part.job_id == identifier


@given(st.lists(sent, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_attempts_merge_the_same_in_any_order(intents: list[object], random: object) -> None:
    parts = [part for part in _parts(*intents) if isinstance(part, Sent)]
    (at_once,) = merged(parts, Sent, merge_sent)
    random.shuffle(parts)  # type: ignore[attr-defined]  # hypothesis types it as object
    assert merged(parts, Sent, merge_sent) == [at_once]
    assert at_once.attempts == max(part.attempts for part in parts)
    assert at_once.started_at == min(part.started_at for part in parts)
    assert at_once.sent_integration_id == f"i-{at_once.attempts}"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True))
def test_the_first_record_of_an_id_counts(offsets: list[int]) -> None:
    parts = [part for at in offsets for part in fold(entry_of(a.a_create_payment(), offset=at, id=JOB))]
    (row,) = merged(parts, Published, merge_published)
    assert row.command_offset == min(offsets)
    refused = [part for at in offsets for part in fold(entry_of(a.a_command_rejected(command_id=JOB, offset=at)))]
    (rejected,) = merged(refused, Rejected, merge_rejected)
    assert rejected.rejected_offset == min(offsets)


def test_the_first_result_stands() -> None:
    about: dict[str, Any] = {"command_id": JOB}
    parts = _parts(a.a_payment_created(**about), a.a_command_unknown(**about))
    (row,) = merged(parts, Ended, merge_ended)
    assert row.verdict == "accepted"


@given(st.permutations([0, 1, 2, 3]))
def test_folding_twice_equals_folding_once(order: list[int]) -> None:
    bodies = [a.a_send_intended(command_id=JOB, attempt=number + 1) for number in range(4)]
    parts = [part for part in _parts(*(bodies[at] for at in order)) if isinstance(part, Sent)]
    assert merged([*parts, *parts], Sent, merge_sent) == merged(parts, Sent, merge_sent)
