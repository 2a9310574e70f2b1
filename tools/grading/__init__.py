"""Grading: a submission's cells run in a process of their own, and a second process judges what they give.

    slices.py   which statements of a notebook an exercise needs
    inside.py   the first process: runs foreign code, isolated and limited, and answers questions
    wire.py     what goes over the pipe between the two: numbers, arrays, text; no pickle, nothing that is run
    prison.py   how the first process is isolated and limited
    walls.py    puts up the walls of its isolation, and gives up the right to take them down
    judge.py    the second process: the book's checks, and stand-ins for the functions that they call
    report.py   the tables and the page

A check that asks for a function calls a stand-in. Its arguments go over the pipe, the function is called over there,
and what it returns, numbers or an account of an error, comes back. What a check gives the function to call (the toy's
log joint) works the same way in the other direction. Where a check takes a gradient through a function of torch, the
gradient is computed over there, too. So no code of a student ever runs beside the check, and no verdict comes from
where a student's code runs.
"""
