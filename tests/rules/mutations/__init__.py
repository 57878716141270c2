"""Damage done to the shipped configuration, and a second opinion on whether it matters. Nothing here imports rules.proof but `judging`."""
