"""The commands of `tonglu`, a file a subject. Each has `register(app, command)` and imports the house only inside its functions."""
