"""Words to people: texts, their outbox, the provider that carries them and its delivery reports."""
