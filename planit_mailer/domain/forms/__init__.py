"""The form that schools fill in: found, read and judged; pure."""
