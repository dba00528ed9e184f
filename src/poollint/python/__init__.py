"""What the project's Python says: which engines it creates, with which values, and what imports what.

modules   the project's modules and how a dotted name is found among them
evaluate  the value of an expression, or Unknown with the reason
engines   the places that create engines, as facts
roles     what a place is and which role its file plays
"""
