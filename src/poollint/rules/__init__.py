"""The rules: one module each, named like its page.

A module's first docstring line is what the rule finds. Its `check(project)` yields findings; it opens no files, and
the pipeline fills in the rule's name, applies the configuration and lowers what rests on shaky values.
"""
