package postgresql

// Main serves the plugin to the engine that started it and returns the exit code.
func Main() int { return New().Run() }
