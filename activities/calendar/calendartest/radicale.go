package calendartest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Radicale runs Debian's CalDAV server on a free port until the test ends, and returns its address. Users are lines of
// NAME:PASSWORD. The test is skipped where there is none, but not in CI.
func Radicale(t *testing.T, users ...string) string {
	t.Helper()
	path, err := exec.LookPath("radicale")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("radicale is not installed")
		}
		t.Skip("radicale is not installed: apt-get install radicale")
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	config := fmt.Sprintf("[server]\nhosts = %s\nmax_connections = 64\n[auth]\ntype = htpasswd\nhtpasswd_filename = %s\nhtpasswd_encryption = plain\ndelay = 0\n"+
		"[storage]\nfilesystem_folder = %s\n[rights]\ntype = owner_only\n[logging]\nlevel = error\n", address, filepath.Join(dir, "users"), filepath.Join(dir, "data"))
	for name, text := range map[string]string{"config": config, "users": strings.Join(users, "\n") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "--config", filepath.Join(dir, "config")) //nolint:gosec // found on the path, for tests alone
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		if time.Now().After(deadline) {
			t.Fatalf("radicale does not answer: %v", err)
		}
	}
}
