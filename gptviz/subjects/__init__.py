"""What a person looks at: one folder a subject."""
