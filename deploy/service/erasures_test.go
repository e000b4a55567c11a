package service_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rapport-crm/rapport/deploy/service"
)

func TestErasureLog(t *testing.T) {
	t.Parallel()
	log := service.ErasureLog{Path: filepath.Join(t.TempDir(), "erasures.jsonl")}
	if records, broken, err := log.Read(); len(records) != 0 || broken != 0 || err != nil {
		t.Errorf("of no file: %v, %d, %v", records, broken, err)
	}
	line := func(name string) []byte {
		return []byte(`{"receipt":{"receipt":{"id":"x"}},"names":["` + name + `"]}` + "\n")
	}
	if err := log.Append([][]byte{line("a"), line("b")}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(log.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log.Path, append(raw, line("c")[:20]...), 0o600); err != nil { // killed in the middle of a line
		t.Fatal(err)
	}
	if err := log.Append([][]byte{line("c")}); err != nil {
		t.Fatal(err)
	}
	records, broken, err := log.Read()
	if err != nil || broken != 1 || len(records) != 3 || records[0].Names[0] != "a" || records[2].Names[0] != "c" {
		t.Errorf("read %+v, %d broken, %v", records, broken, err)
	}
	if err := (service.ErasureLog{Path: t.TempDir()}).Append([][]byte{line("a")}); err == nil {
		t.Error("a folder was written to")
	}
}
