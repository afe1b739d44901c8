"""Pure numbers about predictions, labels and features; imports no training and no evaluation."""
