package command_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/dsl"
)

const letters = `workspace: north
from: {email: "North <careers@north.example>", sms: "+447700900000", address: 1 Way}
---
message: letter
channel: email
subject: "Hello {{ candidate.first_name | default: 'you' }}"
body: "Hello, and [read on](https://north.example/)."
---
message: letter
locale: cy
subject: Helo
body: Helo.
---
message: note
channel: sms
body: "Ŵ"
`

func lettersFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "letters.yaml")
	if err := os.WriteFile(path, []byte(letters), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPreviewFromFiles(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("chromium")
	pictures := err == nil
	path, out := lettersFile(t), t.TempDir()
	said, errOut, code := rapport(t, "messages", "preview", "letter", "--files", path, "--out", out)
	if code != 0 || !strings.Contains(said, "subject  Hello Sarah\n") || !strings.Contains(said, "from     North <careers@north.example>\n") {
		t.Fatalf("exit %d\n%s%s", code, said, errOut)
	}
	for name, want := range map[string]string{"letter.html": "<!doctype html>", "letter.txt": "Hello, and read on <https://north.example/>."} {
		if text, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	for name, width := range map[string]int{"letter.phone.png": 390, "letter.desktop.png": 1280} {
		if !pictures {
			if !strings.Contains(said, "no pictures: ") {
				t.Errorf("no word about pictures:\n%s", said)
			}
			break
		}
		raw, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(bytes.NewReader(raw))
		if err != nil || size.Width != width || size.Height < 100 || size.Height > 1000 {
			t.Errorf("%s: %dx%d, %v", name, size.Width, size.Height, err)
		}
	}
}

func TestPreviewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	path := lettersFile(t)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no such message": {[]string{"leter", "--files", path}, 2, "there is no message leter in these files; they have: letter, note"},
		"no such files":   {[]string{"letter", "--files", path + "x"}, 2, "there is no file or folder"},
		"no such browser": {[]string{"letter", "--files", path, "--browser", "no-such-browser"}, 2, "find browser"},
		"a text":          {[]string{"note", "--files", path}, 0, "segments 1, in Unicode: a segment holds 70 characters"},
		"a language":      {[]string{"letter", "--files", path, "--locale", "cy-GB", "--browser", "true"}, 2, "letter.cy.html"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errOut, code := rapport(t, append([]string{"messages", "preview", "--out", t.TempDir()}, c.args...)...)
			if code != c.code || !strings.Contains(out+errOut, c.want) {
				t.Errorf("exit %d\n%s%s", code, out, errOut)
			}
		})
	}
}

func TestPreviewFromTheServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask api.MessagePreview
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || r.URL.Path != "/v1/messages/preview" || ask != (api.MessagePreview{Name: "note", Candidate: "ATS-1", Locale: "cy"}) {
			t.Errorf("asked %s for %+v, %v", r.URL, ask, err)
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(dsl.Preview{Name: "note", Channel: "sms", Text: "Helo", Segments: 1, Price: "0.04 GBP"}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	out, errOut, code := rapport(t, "messages", "preview", "note", "--candidate", "ATS-1", "--locale", "cy", "--url", server.URL, "--api-key", "rk_test", "--out", t.TempDir())
	if code != 0 || !strings.Contains(out, "segments 1\nprice    0.04 GBP\n\nHelo\n") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}
