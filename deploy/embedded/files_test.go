package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/deploy/embedded"
)

func TestTheSealKeyStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := embedded.SealKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal("hunter2", "p")
	if err != nil {
		t.Fatal(err)
	}
	second, err := embedded.SealKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := second.Open(sealed, "p"); err != nil || string(secret) != "hunter2" {
		t.Errorf("opened %q, %v", string(secret), err)
	}
	path := filepath.Join(dir, "seal.key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, damaged := range []string{"", "half a key"} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := embedded.SealKeys(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%q: %v", damaged, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != damaged {
			t.Errorf("it was replaced by %q, %v", text, err)
		}
	}
}
