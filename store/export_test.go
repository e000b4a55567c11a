package store

// ExportedTables lists the tables that are in a candidate's copy.
func ExportedTables() []string {
	var tables []string
	for _, x := range exports() {
		tables = append(tables, x.table)
	}
	return tables
}
