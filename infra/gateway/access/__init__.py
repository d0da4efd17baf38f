"""Who may ask what of the HTTP edge."""
