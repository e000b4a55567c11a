// Package temporaltest gives tests a real Temporal service on a real Postgres, one per test binary.
//
//	func TestMain(m *testing.M) { os.Exit(temporaltest.Run(m)) }
//
// The service starts at the first [New]. It is shared: use task queues and workflow ids of your own. Postgres comes
// from package postgrestest, whose functions work in the same test binary.
package temporaltest
