package temporaltest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal/temporaltest"
)

func TestMain(m *testing.M) { os.Exit(temporaltest.Run(m)) }

func TestNewIsShared(t *testing.T) {
	t.Parallel()
	first, second := temporaltest.New(t), temporaltest.New(t)
	require.Same(t, first, second)
}

func TestWorksBesidePostgres(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, postgrestest.New(t, "empty", nil))
}

func TestDumpFindsWhatWasStored(t *testing.T) {
	t.Parallel()
	server := temporaltest.New(t)
	c, err := client.Dial(client.Options{HostPort: server.Address(), Namespace: server.Namespace()})
	require.NoError(t, err)
	defer c.Close()

	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID:            "dump/42",
		TaskQueue:     "nobody",
		StaticSummary: "a summary with Zoë in it",
		Memo:          map[string]any{"note": "a memo with Renée in it"},
	}, "Dump", map[string]string{"name": "an input with Łukasz in it"})
	require.NoError(t, err)

	for _, text := range []string{"dump/42", "Zoë", "Renée", "Łukasz"} {
		require.Eventually(t, func() bool { return contains(temporaltest.Dump(t), text) }, 10*time.Second, 50*time.Millisecond, text)
	}
	require.False(t, contains(temporaltest.Dump(t), "never stored"))
}

func contains(values []string, text string) bool {
	for _, value := range values {
		if strings.Contains(value, text) {
			return true
		}
	}
	return false
}
