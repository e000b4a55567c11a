package play_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
)

// checks is how many scripts TestPostgresAndMemory draws: a few seconds' worth. For more, run it with -rapid.checks.
const checks = "20"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", checks); err != nil { // before the command line is read
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(postgrestest.Run(m))
}
