package postgres

import (
	"log/slog"
	"path/filepath"
)

// Config says where and how the server runs.
type Config struct {
	// Dir holds everything the server keeps: data/, postgres.log, password and lock. It is made when missing.
	Dir string
	// Port is the TCP port on 127.0.0.1. 0 takes a free one.
	Port int
	// Durable is true wherever data matters. When false a power cut may lose the data, and everything is faster: for tests.
	Durable bool
	// Binaries is the folder with the postgres and initdb programs. Empty searches the machine, then the network.
	Binaries string
	// Logger receives what the package does; nil is silent. Postgres itself writes to postgres.log.
	Logger *slog.Logger
}

func (c Config) dataDir() string      { return filepath.Join(c.Dir, "data") }
func (c Config) draftDir() string     { return filepath.Join(c.Dir, "data.unfinished") }
func (c Config) logFile() string      { return filepath.Join(c.Dir, "postgres.log") }
func (c Config) passwordFile() string { return filepath.Join(c.Dir, "password") }
func (c Config) lockFile() string     { return filepath.Join(c.Dir, "lock") }
func (c Config) pidFile() string      { return filepath.Join(c.dataDir(), "postmaster.pid") }

// settings are the server's parameters. They are given on its command line, so a new release changes them without
// touching the data folder.
func (c Config) settings(port string) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + port,
		"unix_socket_directories=",
		"max_connections=200",
		"shared_buffers=192MB",
		"wal_buffers=16MB",
		"max_wal_size=2GB",
		"wal_compression=on",
		"wal_recycle=off", // a file of the log that is used again keeps what was erased until it is written over
		"random_page_cost=1.1",
		"jit=off",
		"password_encryption=scram-sha-256",
		"TimeZone=UTC",
		"log_timezone=UTC",
		"lc_messages=C",
		"logging_collector=off",
		"log_destination=stderr",
		"log_checkpoints=off",
		"log_error_verbosity=terse", // the details of errors quote rows
	}
	if !c.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	return settings
}
