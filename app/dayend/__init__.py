"""The close of day: the business date moves at midnight, and what is over is finished and sealed, step by step.

A step is a name, words for people, and a function that does a day's work of one room. Rooms add theirs at start-up; the
seal comes last. A run that was killed goes on after the last finished step, and two runs at once do each step once.
"""
