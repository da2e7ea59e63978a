"""Criteria, one file each: drop a file in and it is found."""
