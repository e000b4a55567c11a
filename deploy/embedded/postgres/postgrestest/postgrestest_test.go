package postgrestest_test

import (
	"context"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func TestNew(t *testing.T) {
	t.Parallel()
	var migrations atomic.Int32
	migrate := func(ctx context.Context, dsn string) error {
		migrations.Add(1)
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "CREATE TABLE seats (n int); INSERT INTO seats VALUES (1)")
		return err
	}
	first := postgrestest.New(t, "seats", migrate)
	second := postgrestest.New(t, "seats", migrate)
	require.NotEqual(t, first, second)
	require.EqualValues(t, 1, migrations.Load(), "the template is made once")

	_, err := connect(t, first).Exec(t.Context(), "INSERT INTO seats VALUES (2)")
	require.NoError(t, err)
	var n int
	require.NoError(t, connect(t, second).QueryRow(t.Context(), "SELECT count(*) FROM seats").Scan(&n))
	require.Equal(t, 1, n, "databases are apart")
}

func TestNewIsDroppedAtCleanup(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("a test that leaves a connection open", func(t *testing.T) {
		dsn = postgrestest.New(t, "empty", nil)
		_, err := pgx.Connect(context.WithoutCancel(t.Context()), dsn)
		require.NoError(t, err)
	})
	_, err := pgx.Connect(t.Context(), dsn)
	require.ErrorContains(t, err, "3D000")
}
