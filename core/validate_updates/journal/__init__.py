"""The journal: what happened in every run, in tables of our own in the target database.

``tables`` says what is stored, ``schema`` makes the tables and checks their version, ``writing`` and ``reading`` do as
they are called, ``history`` is what validators see of it. ``docs/journal.md`` describes the tables for people.
"""
