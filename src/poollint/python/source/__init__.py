"""The project's Python as it is written: its files, their syntax, names and scopes, and which imports which."""
