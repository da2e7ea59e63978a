"""Tasks, one folder each: drop a folder in and it is found."""
