"""Units: records that carry child records for other tables, applied together or not at all.

``declared`` is what a task says of its tables, ``tree`` the same held against the database. ``decoding`` takes records
apart, ``staging`` keeps them in a stage for each table, ``sought`` looks up what they refer to by natural keys, and
``resolved`` shows the stages with the keys of the database in place. ``plan`` compares, a part for each table, and
``writing`` writes a range of the plan, table after table. ``docs/units.md`` tells the same for people.
"""
