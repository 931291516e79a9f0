"""The search: from a folder of articles to the sentences that answer a question."""
