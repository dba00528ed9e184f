"""What the project's Python says: which engines it creates, with which values, and what imports what.

sites      the places that create engines; engines, pools: as facts; code: all of it as the other stages see it
flask      the same for Flask-SQLAlchemy, whose options stand in an application's configuration
evaluator  the value of an expression, or Unknown with the reason
libraries  what library functions return; a library that is not read yet goes there
usage      who runs an engine's code, how often, in which role, and what the project does with it
source     the project's files: syntax, scopes, names, which imports which
"""
