"""An encoder as a folder for other programs: timm, Hugging Face's transformers, ONNX runtimes."""
