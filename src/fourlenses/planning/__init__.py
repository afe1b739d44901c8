"""The cost of a study before it is run: GPU hours, disk and wall time.

From its plan, the images that its trainings process, and measured images per second.
"""
