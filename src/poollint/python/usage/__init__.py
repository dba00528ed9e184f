"""Who runs the code that makes an engine, how often, in which role, and what the project does with it."""
