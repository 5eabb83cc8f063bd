"""Files to tables: reading, typing, labelling, streaming."""
