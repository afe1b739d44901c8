"""Networks: the residual backbones (encoders) and the projection head."""
