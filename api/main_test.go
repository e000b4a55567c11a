package api_test

import (
	"os"
	"testing"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
