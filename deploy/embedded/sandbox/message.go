package sandbox

import (
	"encoding/json"
	"time"
)

// Provider is one of the two services that the sandbox plays.
type Provider string

// The providers.
const (
	SendGrid Provider = "sendgrid"
	Twilio   Provider = "twilio"
)

// Direction says who wrote a message.
type Direction string

// The directions. Auto is Twilio's own answer to STOP, START and HELP.
const (
	Outbound Direction = "outbound"
	Inbound  Direction = "inbound"
	Auto     Direction = "auto"
)

// Message is one accepted mail or text to one recipient, or a reply that a person typed in the browser.
type Message struct {
	// Seq is the order of acceptance, rising, with gaps.
	Seq int64 `json:"seq"`
	// ID is SendGrid's sg_message_id or Twilio's sid.
	ID string `json:"id"`
	// RequestID is SendGrid's X-Message-Id, which the recipients of one request share, or Twilio's sid.
	RequestID string    `json:"request_id"`
	Provider  Provider  `json:"provider"`
	Direction Direction `json:"direction"`
	From      string    `json:"from"`
	FromName  string    `json:"from_name,omitempty"`
	To        string    `json:"to"`
	ToName    string    `json:"to_name,omitempty"`
	// Copy is to, cc or bcc.
	Copy    string `json:"copy"`
	ReplyTo string `json:"reply_to,omitempty"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text,omitempty"`
	HTML    string `json:"html,omitempty"`
	// Headers are the custom headers of a mail.
	Headers    map[string]string `json:"headers,omitempty"`
	CustomArgs map[string]string `json:"custom_args,omitempty"`
	Categories []string          `json:"categories,omitempty"`
	// Callback is Twilio's StatusCallback.
	Callback string `json:"callback,omitempty"`
	// Reference is the sender's own id of the message: custom_args.rapport_message, or the id in the status callback.
	Reference string `json:"reference,omitempty"`
	// MessageID is the Message-ID header of a mail, with its angle brackets.
	MessageID string `json:"message_id,omitempty"`
	// Status is the latest event in the provider's words, such as processed, delivered, click, queued or undelivered.
	Status string `json:"status"`
	// ErrorCode is Twilio's reason for undelivered, such as 30003, else 0.
	ErrorCode int `json:"error_code,omitempty"`
	// Segments is the number of SMS that a text needs.
	Segments int `json:"segments,omitempty"`
	// Media is the number of files of an MMS.
	Media int `json:"media,omitempty"`
	// Raw is the request as it came; a form becomes an object of lists. It is only there when one message is asked for.
	Raw json.RawMessage `json:"raw,omitempty"`
	// AcceptedAt, UpdatedAt and SentAt are on the sandbox's clock. SentAt is nil until a text has left the queue.
	AcceptedAt time.Time  `json:"accepted_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	SentAt     *time.Time `json:"sent_at,omitempty"`

	parent *int64
	sendIn time.Duration // SendGrid's send_at, from acceptance on
}

// Filter selects messages; empty fields select everything.
type Filter struct {
	Provider Provider
	// Direction defaults to Outbound: what Rapport sent.
	Direction Direction
	To        string
	From      string
	// Search is part of a recipient's address, number or name, in any case.
	Search string
	// CustomArgs must all be present with these values.
	CustomArgs map[string]string
	// Reference is the sender's own id of the message.
	Reference string
	// After selects messages with a higher Seq.
	After int64
	// Newest turns the order round: newest first.
	Newest bool
	// Limit defaults to 100 and is at most 10,000.
	Limit int

	before int64 // selects messages with a lower Seq
}

// Stats counts what the sandbox accepted from Rapport.
type Stats struct {
	Messages int `json:"messages"`
	Mails    int `json:"mails"`
	Texts    int `json:"texts"`
	// Referenced counts messages that carry a reference, Distinct the different references among them.
	Referenced int `json:"referenced"`
	Distinct   int `json:"distinct"`
	// Duplicates counts messages beyond the first of their reference: 0 when nothing was sent twice.
	Duplicates int `json:"duplicates"`
	// WebhooksPending counts webhooks that Rapport has not answered for yet.
	WebhooksPending int `json:"webhooks_pending"`
	WebhooksRefused int `json:"webhooks_refused"`
	// ATSUpdates counts what the applicant tracking system was told.
	ATSUpdates int `json:"ats_updates"`
}

// target is a kind of webhook receiver; it decides how a webhook is signed.
type target string

const (
	targetSendGridEvents  target = "sendgrid.events"
	targetSendGridInbound target = "sendgrid.inbound"
	targetTwilioStatus    target = "twilio.status"
	targetTwilioInbound   target = "twilio.inbound"
	targetOneClick        target = "one-click"
	targetReader          target = "reader" // the sender's own link or picture, which the candidate's mail program asks for
)

// webhook is something that happens to a message and that somebody is told of.
type webhook struct {
	seq         int64
	target      target
	event       string
	errorCode   int
	url         string // empty when there is nobody to tell
	contentType string
	payload     []byte
	after       time.Duration // real time from now until it happens
	attempts    int
	overdue     time.Duration // real time since it was first due
}

// draft is a message about to be accepted with all that follows from it.
type draft struct {
	message  Message
	webhooks []webhook
}
