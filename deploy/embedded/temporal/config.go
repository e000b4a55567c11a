package temporal

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// DefaultRetention is how long a new namespace keeps the history of a closed workflow.
const DefaultRetention = 30 * 24 * time.Hour

// Config says where the service keeps its data and where it listens.
type Config struct {
	// DSN is a Postgres URL of a role that may create databases.
	DSN string
	// Database is the name of the database, "temporal" when empty; visibility data goes to Database + "_visibility".
	Database string
	// Host is the IP address that the frontend and the UI listen on, 127.0.0.1 when empty.
	Host string
	// FrontendPort is the port for clients and workers. 0 takes a free one.
	FrontendPort int
	// UIPort is the port of the Temporal UI. 0 runs no UI.
	UIPort int
	// Namespace is "default" when empty. It is made when missing.
	Namespace string
	// Retention of a namespace that is made, DefaultRetention when zero. An existing one keeps its own.
	Retention time.Duration
	// Logger receives what the server says at warn and above; nil is silent.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Database = cmp.Or(c.Database, "temporal")
	c.Host = cmp.Or(c.Host, loopback)
	c.Namespace = cmp.Or(c.Namespace, "default")
	c.Retention = cmp.Or(c.Retention, DefaultRetention)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// reachable is the address at which this machine finds what listens on Host and port.
func (c Config) reachable(port int) string {
	host := c.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = loopback
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// SearchAttributes are the keyword search attributes that Rapport's workflows carry.
func SearchAttributes() []string {
	return []string{"RapportDefinition", "RapportCandidate", "RapportVersion", "RapportOutcome"}
}

// database is a database of the service and how to reach it.
type database struct {
	name           string
	address        string
	user, password string
}

func (c Config) databases() (main, visibility database, err error) {
	dsn, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		return main, visibility, fmt.Errorf("read postgres address for temporal: %w", err)
	}
	main = database{
		name:     c.Database,
		address:  net.JoinHostPort(dsn.Host, strconv.Itoa(int(dsn.Port))),
		user:     dsn.User,
		password: dsn.Password,
	}
	visibility = main
	visibility.name += "_visibility"
	return main, visibility, nil
}
