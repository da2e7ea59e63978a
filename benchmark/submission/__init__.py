"""What comes from outside: skeletons to begin with, checks of plugins and records, comparisons of what was measured."""
