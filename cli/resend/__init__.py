"""Sending again: what a body may hold, asked before anything is done."""
