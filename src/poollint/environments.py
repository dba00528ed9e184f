"""Which environment a file speaks for, by the words of its path or name."""
