"""The scale that every method is put on: what a net of each round may hold."""

BUDGETS = tuple(0.7**k for k in range(16))
"""Parameters of round k as a fraction of dense: the papers' 30 % a round for 15 rounds, but of parameters."""

CONTROL_ROUNDS = (4, 8, 12)
"""The rounds whose budgets the controls are trained at: 24, 5.8 and 1.4 % of the parameters."""

MINIMUM_UNITS = 2
"""No group gets narrower: a bottleneck of one unit kills late rounds whatever the criterion."""
