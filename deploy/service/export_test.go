package service

// Recipients are those whom the settings have data handed to.
func Recipients(c *Config) []string { return c.recipients() }
