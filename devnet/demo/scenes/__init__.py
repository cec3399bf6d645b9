"""The scenes, by what they are about. Each is a coroutine that plays with one trader and says what must come of it."""
