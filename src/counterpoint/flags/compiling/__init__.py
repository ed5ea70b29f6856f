"""Rules as generated Python: what an evaluation usually needs, without walking the rule.

expressions     operations as Python expressions
tails           the ends of a rule: which result is returned
program         from a flag to a function, and what it does where the rule or the data is unusual

The interpreter (`counterpoint.flags.jsonlogic`) decides what a rule means. Generated code answers for the
types that rules are written for, and leaves everything else to the interpreter by raising `Unusual`, so
that the two cannot disagree. The source is put together from our own names alone: constants, those of a
rule among them, are passed by reference, and no text of a rule is ever part of it.
"""

from counterpoint.flags.compiling.expressions import UnwrittenError
from counterpoint.flags.compiling.program import AsGiven, Program, compile_as_given, compile_flag

__all__ = ["AsGiven", "Program", "UnwrittenError", "compile_as_given", "compile_flag"]
