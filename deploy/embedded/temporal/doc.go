// Package temporal runs the Temporal server, as a library, on a Postgres.
package temporal

import (
	_ "github.com/temporalio/ui-server/v2/server"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	_ "go.temporal.io/server/temporal"
	_ "go.temporal.io/server/tools/sql"
)
