// Package local is what `rapport up` leaves in its data folder so that the commands of the same folder find it.
package local

// Names of files in the data folder.
const (
	File    = "local.json" // an Address; there while `rapport up` runs
	KeyFile = "admin.key"  // an API key with every scope

	ReceiptKeyFile = "receipt.key"    // signs the receipts of erasures
	ErasuresFile   = "erasures.jsonl" // the log of erasures

	CheckpointsFile = "audit-checkpoints.jsonl" // how the audit log stood, beside the log of erasures
)

// Address is where `rapport up` is.
type Address struct {
	URL string `json:"url"` // of the API
	PID int    `json:"pid"`
}
