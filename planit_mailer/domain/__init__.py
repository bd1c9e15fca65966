"""What the service is about: forms, policy, replies, and the values that they share. Pure: touches nothing outside."""
