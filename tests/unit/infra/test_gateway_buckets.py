from infra.gateway.buckets import Buckets, retry_after


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_taken_comes_back_evenly() -> None:
    clock = Clock()
    buckets = Buckets(2, 0.5, clock=clock)
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a")] == [0, 0, 2]
    clock.now = 1.0
    assert buckets.take("a") == 1
    clock.now = 2.0
    assert buckets.take("a") == 0


def test_one_key_leaves_the_others_alone() -> None:
    buckets = Buckets(1, 1, clock=Clock())
    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [0, 1, 0]


def test_who_invents_keys_pushes_out_the_longest_unused() -> None:
    buckets = Buckets(1, 0.01, most=2, clock=Clock())
    assert [buckets.take(key) for key in ("a", "b", "c")] == [0, 0, 0]
    assert buckets.take("c") > 0
    assert buckets.take("a") == 0, "it was forgotten"


def test_a_caller_is_told_whole_seconds() -> None:
    assert [retry_after(wait_s) for wait_s in (0.01, 1.0, 1.5)] == ["1", "1", "2"]
