package temporal

import (
	"fmt"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

// clusterName names the one cluster in this service's metadata; it is written into the data.
const clusterName = "active"

// schemaFolder is where the server library ships the schema for Postgres.
const schemaFolder = "postgresql/v12"

// prepareDatabases makes the two databases and brings their schemas to the version of the server library.
func prepareDatabases(main, visibility database, logger log.Logger) error {
	var group errgroup.Group
	group.Go(func() error { return prepareDatabase(main, schemaFolder+"/temporal", v12.Version, logger) })
	group.Go(func() error {
		return prepareDatabase(visibility, schemaFolder+"/visibility", v12.VisibilityVersion, logger)
	})
	return group.Wait()
}

// prepareDatabase is idempotent, also when an earlier call was cut short: the library's updates step over what is there.
func prepareDatabase(d database, name, version string, logger log.Logger) error {
	if err := sql.DoCreateDatabase(d.forSetup(), "postgres", logger); err != nil {
		return fmt.Errorf("create database %s: %w", d.name, err)
	}
	conn, err := sql.NewConnection(d.forSetup(), logger)
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", d.name, err)
	}
	defer conn.Close()
	found, err := conn.ReadSchemaVersion()
	if err == nil && found == version {
		return nil
	}
	if err != nil { // there is no version table, or no row in it
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(conn, setup, logger).Run(); err != nil {
			return fmt.Errorf("set up schema of database %s: %w", d.name, err)
		}
	}
	update := &schema.UpdateConfig{DBName: d.name, SchemaName: name}
	if err := schema.NewUpdateSchemaTask(conn, update, logger).Run(); err != nil {
		return fmt.Errorf("update schema of database %s: %w", d.name, err)
	}
	return nil
}

// connection is how the server reaches the database.
func (d database) connection(maxConns int) *config.SQL {
	return &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		DatabaseName:    d.name,
		ConnectAddr:     d.address,
		ConnectProtocol: "tcp",
		User:            d.user,
		Password:        d.password,
		MaxConns:        maxConns,
		MaxIdleConns:    maxConns,
	}
}

// forSetup is a connection for the hundreds of small statements of the schema, which need not wait for the disk one by
// one: should they be lost in a crash, the next start repeats them.
func (d database) forSetup() *config.SQL {
	c := d.connection(1)
	c.ConnectAttributes = map[string]string{"synchronous_commit": "off"}
	return c
}
