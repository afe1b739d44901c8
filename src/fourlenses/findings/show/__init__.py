"""A decision card for people: Markdown, HTML and the terminal, from what decision.json holds.

Standard library and Jinja only, so that a report or a terminal shows a card without the table that
it was made from.
"""
