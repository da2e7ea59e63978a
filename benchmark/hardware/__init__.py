"""Boards: whether a net fits, exported, compiled, run in emulation and compared."""
