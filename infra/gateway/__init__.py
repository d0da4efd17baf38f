"""The HTTP edge: commands and webhooks in, results and events out."""
