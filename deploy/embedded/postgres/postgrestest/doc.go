// Package postgrestest gives tests a real Postgres: one server per test binary, and a database of its own per test.
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
//
//	func TestStore(t *testing.T) {
//		dsn := postgrestest.New(t, "store", store.Migrate)
//		...
//	}
//
// The server starts at the first [New] and ends with the binary, however that ends. It does not survive a power cut
// and is fast. Set RAPPORT_TEST_POSTGRES to the URL of a server (as superuser, database postgres) to use that one.
package postgrestest
