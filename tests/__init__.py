"""A package by name, since some libraries install one of the same name, which would stand before a plain folder."""
