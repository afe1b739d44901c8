"""Figures of a whole study, which belong to no lens: they draw from what any lens has measured."""
