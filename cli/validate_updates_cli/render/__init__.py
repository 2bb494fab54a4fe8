"""Results as text: each module turns data into one kind of paper. Nothing here reads or writes anything."""
