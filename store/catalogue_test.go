package store_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// columns lists the columns of every table.
func (b *bundle) columns(t *testing.T) map[string][]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `select table_name::text, column_name::text from information_schema.columns
		join information_schema.tables using (table_schema, table_name)
		where table_schema = 'public' and table_type = 'BASE TABLE' order by 1, ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	type column struct{ Table, Name string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	for _, c := range found {
		columns[c.Table] = append(columns[c.Table], c.Name)
	}
	return columns
}

// Every column with something of a person is in the catalogue that the record of processing is made of, once.
func TestCatalogueHoldsEveryColumn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	have := b.columns(t)
	known := map[string][]string{}
	for _, h := range crm.Catalogue() {
		for _, c := range h.Columns {
			if slices.Contains(known[h.Table], c) {
				t.Errorf("%s.%s is in the catalogue twice", h.Table, c)
			}
			if !slices.Contains(have[h.Table], c) {
				t.Errorf("%s.%s is in the catalogue, and in no table", h.Table, c)
			}
			known[h.Table] = append(known[h.Table], c)
		}
	}
	for _, table := range slices.Sorted(maps.Keys(have)) {
		if remaining()[table] != "" && known[table] == nil { // nothing of a person is in it
			continue
		}
		for _, c := range have[table] {
			if !slices.Contains(known[table], c) {
				t.Errorf("%s.%s is in no entry of crm.Catalogue: say of which category it is, what it is for and where it comes from", table, c)
			}
		}
	}
}
