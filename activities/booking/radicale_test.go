package booking_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// stamp is how iCalendar writes moments.
const stamp = "20060102T150405Z"

// radicale is a running server with one account, ada, to whom all calendars of a test belong.
type radicale struct{ url string }

func radicaleServer(t *testing.T) *radicale {
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
	for name, text := range map[string]string{"config": config, "users": "ada:hush-hush\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "--config", filepath.Join(dir, "config"))
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
			return &radicale{"http://" + address}
		}
		if time.Now().After(deadline) {
			t.Fatalf("radicale does not answer: %v", err)
		}
	}
}

// must does a plain request, without the code under test.
func (r *radicale) must(t *testing.T, method, path, body string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ada", "hush-hush")
	if method == "PROPFIND" {
		req.Header.Set("Depth", "1")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %d, %v: %s", method, path, resp.StatusCode, err, text)
	}
	return string(text)
}

// events are the beginnings of events in a calendar, by UID.
func (r *radicale) events(t *testing.T, path string) map[string]string {
	t.Helper()
	found := map[string]string{}
	list := r.must(t, "PROPFIND", path, "", http.StatusMultiStatus)
	for _, match := range regexp.MustCompile(`<href>([^<]+\.ics)</href>`).FindAllStringSubmatch(list, -1) {
		text := strings.NewReplacer("\r\n ", "").Replace(r.must(t, http.MethodGet, match[1], "", http.StatusOK))
		_, event, _ := strings.Cut(text, "BEGIN:VEVENT")
		uid := regexp.MustCompile(`\nUID:([^\r]+)`).FindStringSubmatch(event)
		at := regexp.MustCompile(`\nDTSTART([^:\r]*):([^\r]+)`).FindStringSubmatch(event)
		if uid == nil || at == nil {
			t.Fatalf("no event: %s", text)
		}
		found[uid[1]] = at[2]
		if strings.Contains(at[1], "Europe/London") { // in winter it is UTC
			found[uid[1]] += "Z"
		}
	}
	return found
}
