package embedded

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/local"
	"github.com/rapport-crm/rapport/store/seal"
)

// sandboxAccounts are the accounts that Rapport has at the sandbox. They are made once and worth nothing elsewhere.
type sandboxAccounts struct {
	SendGridKey   string `json:"sendgrid_key"`
	TwilioAccount string `json:"twilio_account"`
	TwilioToken   string `json:"twilio_token"`
	ATSSecret     string `json:"ats_secret"`
}

func newAccounts() sandboxAccounts {
	return sandboxAccounts{
		SendGridKey: "SG." + token(16), TwilioAccount: "AC" + token(16), TwilioToken: token(16),
		ATSSecret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(token(20))),
	}
}

func token(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw) // documented never to fail
	return hex.EncodeToString(raw)
}

// keep reads a JSON file of the data folder into v; the first time it writes v as it is.
func keep(dir, name string, v any) error {
	raw, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // our own folder
	if errors.Is(err, fs.ErrNotExist) {
		return write(dir, name, v)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s in %s is damaged (%w); delete it to have it made anew", name, dir, err)
	}
	return nil
}

// write replaces a file of the data folder, all or nothing, readable by its owner only.
func write(dir, name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return writeText(dir, name, string(raw)+"\n")
}

func writeText(dir, name, text string) error {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// sealKeys are those of the data folder, made the first time. What they sealed is lost with them, so that a damaged file is
// never replaced.
func sealKeys(dir string) (seal.Keys, error) {
	const name = "seal.key"
	raw, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // our own folder
	if errors.Is(err, fs.ErrNotExist) {
		raw = []byte(seal.Make() + "\n")
		err = writeText(dir, name, string(raw))
	}
	if err != nil {
		return seal.Keys{}, fmt.Errorf("read %s: %w", name, err)
	}
	keys, err := seal.Parse(string(raw))
	if err != nil || !keys.Ready() {
		return seal.Keys{}, fmt.Errorf("%s in %s is damaged; restore it from a backup, or delete it and connect every calendar again", name, dir)
	}
	return keys, nil
}

// receiptKey is that of the data folder, made the first time. A damaged one is never replaced: receipts that are out would not be known by
// the new one.
func receiptKey(dir string) (ed25519.PrivateKey, error) {
	raw, err := os.ReadFile(filepath.Join(dir, local.ReceiptKeyFile)) //nolint:gosec // our own folder
	if errors.Is(err, fs.ErrNotExist) {
		raw = []byte(crm.MakeReceiptKey() + "\n")
		err = writeText(dir, local.ReceiptKeyFile, string(raw))
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", local.ReceiptKeyFile, err)
	}
	key, err := crm.ParseReceiptKey(string(raw))
	if err != nil {
		return nil, fmt.Errorf("%s in %s is damaged; restore it from a backup", local.ReceiptKeyFile, dir)
	}
	return key, nil
}

// scale continues the clock of the data folder at the given speed. It never goes back: what was sent stays in the past.
func scale(dir string, factor float64, at time.Time) (crm.Scale, error) {
	s := crm.Scale{Real: at, Virtual: at, Factor: factor}
	if err := keep(dir, "clock.json", &s); err != nil {
		return s, err
	}
	s = crm.Scale{Real: at, Virtual: s.Now(at), Factor: factor}
	return s, write(dir, "clock.json", s)
}
