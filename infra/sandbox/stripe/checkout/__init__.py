"""Checkout: Stripe's own page, on which a buyer pays, subscribes, or gives a card."""
