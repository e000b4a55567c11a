package embedded

import "github.com/rapport-crm/rapport/store/seal"

// SealKeys are the keys of a data folder.
func SealKeys(dir string) (seal.Keys, error) { return sealKeys(dir) }
