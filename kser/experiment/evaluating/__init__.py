"""Trained models on test sets: the evaluation CSV, results, summaries, tables for statistics."""
