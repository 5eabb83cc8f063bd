"""The offline half of mlpserve: a table becomes a published version."""
