"""Subscriptions: what can be subscribed to, by whom, and the orders that come of it period by period."""
