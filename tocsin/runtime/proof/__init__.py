"""The proof that nothing disappeared: topics, inboxes and sinks re-read by a plain client and compared by id."""
