"""The past of a task, worked on by people: brought in from elsewhere, looked at, labelled.

``log`` and ``mapping`` make runs of somebody else's log, ``backfill`` of a column of the target; ``bringing_in`` writes
them into the journal and takes them back. ``looking`` says what there is, ``labels`` is a person's judgement of a run.
``docs/history.md`` tells it from the user's side. All of it works on an open connection, within its transaction, and
never commits.
"""
