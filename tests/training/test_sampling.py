import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.training.sampling import Stream


@given(images=st.integers(1, 50), batch=st.integers(1, 60), steps=st.integers(1, 20))
def test_every_pass_shows_every_image_once(images, batch, steps):
    stream = Stream(images, batch, seed=3)
    drawn = [stream.batch(step) for step in range(steps)]
    positions, epochs = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    assert np.array_equal(epochs, np.arange(len(epochs)) // images)
    for epoch in range(len(epochs) // images):
        assert np.array_equal(np.sort(positions[epochs == epoch]), np.arange(images))


def test_a_step_is_the_same_wherever_one_starts():
    stream = Stream(100, 32, seed=5)
    all_steps = [stream.batch(step)[0] for step in range(20)]
    assert np.array_equal(Stream(100, 32, seed=5).batch(13)[0], all_steps[13])
    assert not np.array_equal(Stream(100, 32, seed=6).batch(13)[0], all_steps[13])
