package provider

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Report is what a provider says became of one message or address.
type Report struct {
	MessageID  string                // the ledger's id, as it was sent along; "" when the message is not ours
	ProviderID string                // the provider's id of the message
	At         time.Time             // when that was, as the provider says; zero when it does not
	Accepted   bool                  // it proves that the provider took the message
	Event      crm.Event             // Type is "" when there is nothing to record. Subject is not set
	Visit      crm.Visit             // of an event that is an open or a click: what is known of who made it
	Address    string                // the recipient's
	OptOut     crm.SuppressionReason // why the address must not be written to any more; "" when it may
}
