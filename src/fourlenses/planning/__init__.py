"""What a study costs before it is run: GPU hours, disk and wall time.

Of its plan, how many images its trainings process, and measured images per second.
"""
