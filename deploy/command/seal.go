package command

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store/seal"
)

// sealKeys reads the key that seals what opens people's calendars, and the one before it, from the environment, where no list of
// processes shows them.
func sealKeys() (seal.Keys, error) {
	keys, err := seal.Parse(os.Getenv("RAPPORT_SEAL_KEY"), os.Getenv("RAPPORT_OLD_SEAL_KEY"))
	if err != nil {
		return keys, fmt.Errorf("read RAPPORT_SEAL_KEY and RAPPORT_OLD_SEAL_KEY: %w", err)
	}
	return keys, nil
}

// receiptKey reads the key that signs the receipts of erasures from the environment; nil without one.
func receiptKey() (ed25519.PrivateKey, error) {
	text := os.Getenv("RAPPORT_RECEIPT_KEY")
	if text == "" {
		return nil, nil
	}
	key, err := crm.ParseReceiptKey(text)
	if err != nil {
		return nil, fmt.Errorf("read RAPPORT_RECEIPT_KEY: %w", err)
	}
	return key, nil
}

// errNoReceiptKey says what a command needs.
var errNoReceiptKey = errors.New("RAPPORT_RECEIPT_KEY is not set; `rapport receipt new-key` makes a key")

func erasureLogFlag(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "erasure-log", "", "a file, kept apart from the database and its backups, to which every erasure is added; those that a restored database does not know of are done again at the start")
}
