from streams.seen import SeenIds


def headers(identifier: str, source: str = "kolaj") -> tuple[tuple[str, bytes], ...]:
    return (("ce_id", identifier.encode()), ("ce_source", source.encode()))


def test_the_second_copy_of_an_event_is_not_new() -> None:
    seen = SeenIds()
    assert [seen.is_new(headers("a")), seen.is_new(headers("a"))] == [True, False]


def test_the_same_id_of_another_source_is_another_event() -> None:
    seen = SeenIds()
    assert [seen.is_new(headers("a", "x")), seen.is_new(headers("a", "y"))] == [True, True]


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    seen = SeenIds(capacity=2)
    assert [seen.is_new(headers(name)) for name in "abca"] == [True, True, True, True]
    assert len(seen) == 2


def test_records_without_an_id_are_always_new() -> None:
    seen = SeenIds()
    assert [seen.is_new(()), seen.is_new(())] == [True, True]
