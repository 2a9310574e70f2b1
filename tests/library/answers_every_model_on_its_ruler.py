"""Answers to the exercises of "Every model on its ruler", by hand. See test_answers."""

OWN_FORMS: set[str] = set()
ELSEWHERE: set[str] = set()
ROWS = [
    # 1
    ("ruler_waste", (10.5, 4.6, 0.205), True, "which model is better these numbers do not say"),
    ("ruler_waste", (6.0, 4.6, 0.205), False, "compare a model with itself"),
    ("ruler_waste", (10.5, 4.6, 0.142), False, "nats per pixel"),
    # 2
    ("ruler_paired", (1.07, 0.15), True, "six errors"),
    ("ruler_paired", ("24*sqrt(2/1000)", "24*sqrt(0.04/1000)"), True, ""),
    ("ruler_paired", (0.76, 0.15), False, "two of them are subtracted"),
    ("ruler_paired", (1.07, 0.11), False, "both scores vary"),
]
