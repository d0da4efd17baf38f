"""The time of a sandbox's books, in a test's hands."""


class Clock:
    """The books' time, which a test may move to a day of its own."""

    ms = 1_790_000_000_000  # 21 September 2026, 16:13 in Istanbul

    def __call__(self) -> int:
        return self.ms

    def to(self, day: int) -> tuple[str, str]:
        """Midday of a September day; the two ways to write it."""
        self.ms = 1_788_253_200_000 + (day - 1) * 86_400_000
        return f"2026-09-{day:02}", f"2026-09-{day:02} 00:00:00"
