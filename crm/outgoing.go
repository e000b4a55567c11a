package crm

import (
	"fmt"
	"time"
)

// Outgoing is one rendered message to one recipient, ready for a provider.
type Outgoing struct {
	MessageID  string // the ledger's id: goes along, so that what the provider reports can be matched
	Channel    Channel
	To         string
	ToName     string
	From       string // email: an RFC 5322 mailbox; SMS: E.164
	ReplyTo    string
	Subject    string
	HTML       string
	Text       string
	Headers    map[string]string // email: List-Unsubscribe, Message-ID, ...
	Categories []string          // for the provider's own statistics: the definition and the step
	StatusURL  string            // SMS: where the provider reports what became of it

	TrackOpens  bool         // email: the provider shall report opens, if it can
	TrackClicks bool         // email: the provider shall report clicks, if it can
	ReturnPath  string       // email by SMTP: the bare address that bounces go to; "" is that of From
	Attachments []Attachment // email
}

// Attachment is a file that goes with an email. One of the type text/calendar is an invitation as well: mail programs that
// know iMIP (RFC 6047) offer to answer it.
type Attachment struct {
	Name        string // "invite.ics"
	ContentType string // with its parameters: "text/calendar; method=REQUEST"
	Content     []byte
}

// Receipt is a provider's word that it took a message.
type Receipt struct {
	Provider   string
	ProviderID string
}

// SendClass says what a failed send means for the message.
type SendClass string

// The classes. What is not certain is unknown: a message that may have been taken is never sent again by itself.
const (
	SendRetry    SendClass = "retry"    // certainly not taken: the connection was refused, or the provider is at its limit
	SendRefused  SendClass = "refused"  // certainly not taken, and never will be
	SendSuppress SendClass = "suppress" // refused for good: the number opted out at the provider, the mailbox does not exist
	SendUnknown  SendClass = "unknown"  // nobody knows
)

// SendError is how a provider's client reports that it has no receipt.
type SendError struct {
	Class      SendClass
	Code       string        // the provider's code, or a short word such as timeout; no personal data
	RetryAfter time.Duration // of SendRetry: what the provider asked for, else 0
	Account    bool          // of SendRetry: the whole account is turned away, so that other messages need not try either
	Err        error
}

func (e *SendError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("send: %s (%s)", e.Class, e.Code)
	}
	return fmt.Sprintf("send: %s (%s): %v", e.Class, e.Code, e.Err)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }
