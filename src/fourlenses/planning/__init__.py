"""What a study will cost before it is paid for: jobs, hours, disk and wall time, from images and measured images per second."""
