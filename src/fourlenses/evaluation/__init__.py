"""Evaluation of encoders: protocols on features (probes), protocols that train (finetuning)."""
