package command

import (
	"fmt"
	"os"

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
