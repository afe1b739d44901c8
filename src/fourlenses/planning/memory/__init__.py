"""The memory of each job of a study: of the host, and of a GPU where a training runs on one.

`formulas` has the sizes and the constants, `networks` what an image takes in a network, `jobs`
finds both for the jobs of a plan, `report` shows it next to what the rules ask for.
"""
