"""Curves of pretrainings in TensorBoard, MLflow, Weights & Biases: live, or afterwards."""
