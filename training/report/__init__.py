"""Pictures and a card of a published version."""
