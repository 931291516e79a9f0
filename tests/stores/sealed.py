"""The secret that the stores of these tests are sealed with."""

SECRET = "a secret for tests, long enough"
