package temporaltest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Dump returns everything that the shared service has stored: each value of each column of its two databases, as
// "database.table.column=value". Binary values are given as they are. They are uncompressed protobuf (the server
// compresses nothing), in which text and JSON payloads stand in the clear, so a text that was stored is found with
// strings.Contains. Visibility rows follow their workflow after a moment: wait for yours before looking.
func Dump(tb testing.TB) []string {
	tb.Helper()
	New(tb)
	var values []string
	for _, database := range shared.databases() {
		found, err := dump(tb.Context(), shared.dsn, database)
		if err != nil {
			tb.Fatalf("dump database %s: %v", database, err)
		}
		values = append(values, found...)
	}
	return values
}

// column is a column of a table and whether it is binary.
type column struct {
	Table, Name string
	Binary      bool
}

func dump(ctx context.Context, dsn, database string) ([]string, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.Database = database
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `
		SELECT table_name, column_name, data_type = 'bytea'
		FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
		ORDER BY 1, ordinal_position`)
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		return nil, err
	}
	var values []string
	for _, c := range columns {
		found, err := c.values(ctx, conn)
		if err != nil {
			return nil, fmt.Errorf("read %s.%s: %w", c.Table, c.Name, err)
		}
		for _, value := range found {
			values = append(values, fmt.Sprintf("%s.%s.%s=%s", database, c.Table, c.Name, value))
		}
	}
	return values, nil
}

func (c column) values(ctx context.Context, conn *pgx.Conn) ([][]byte, error) {
	name := pgx.Identifier{c.Name}.Sanitize()
	expression := "convert_to(" + name + "::text, 'UTF8')"
	if c.Binary {
		expression = name
	}
	rows, err := conn.Query(ctx, "SELECT "+expression+" FROM "+pgx.Identifier{c.Table}.Sanitize()+" WHERE "+name+" IS NOT NULL")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]byte])
}
