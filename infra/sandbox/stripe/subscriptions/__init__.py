"""Subscriptions: how they begin, are billed by the clock, change, and end."""
