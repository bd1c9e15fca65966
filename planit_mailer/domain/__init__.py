"""The domain: forms, policy, replies, and the values that they share. Pure: it touches nothing outside the process."""
