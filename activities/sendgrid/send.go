package sendgrid

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	stdmail "net/mail"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sendgrid/rest"
	sg "github.com/sendgrid/sendgrid-go"
	"github.com/sendgrid/sendgrid-go/helpers/mail"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// Provider is the name under which receipts and events of this package are known.
const Provider = "sendgrid"

// messageArg is the custom argument that carries the ledger's id.
const messageArg = "rapport_message"

// DefaultTimeout bounds one request when the configuration does not.
const DefaultTimeout = 20 * time.Second

// Config says how to reach SendGrid.
type Config struct {
	APIKey  string
	BaseURL string        // "" is https://api.sendgrid.com; EU accounts use https://api.eu.sendgrid.com
	Timeout time.Duration // of one request; 0 is DefaultTimeout
}

// Client sends email. It is safe for concurrent use and keeps its connections open.
type Client struct {
	config Config
	http   *rest.Client
	noFeed atomic.Bool // the account has no Email Activity Feed
}

// New returns a client. Nothing is sent before Send.
func New(config Config) *Client {
	config.BaseURL = strings.TrimRight(config.BaseURL, "/")
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
	}
	return &Client{config: config, http: &rest.Client{HTTPClient: &http.Client{
		Transport:     transport,
		Timeout:       config.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}}
}

// Send hands one message to SendGrid, once: neither it nor the client below repeats a request that may have been taken.
// The receipt's ProviderID is SendGrid's X-Message-Id. Every error is a *crm.SendError.
func (c *Client) Send(ctx context.Context, out crm.Outgoing) (crm.Receipt, error) {
	email, err := compose(out)
	if err != nil {
		return crm.Receipt{}, &crm.SendError{Class: crm.SendRefused, Code: "invalid_message", Err: err}
	}
	// The official Client keeps the body in itself, which two sends at once would overwrite; the request it is made of does not.
	request := sg.GetRequest(c.config.APIKey, "/v3/mail/send", c.config.BaseURL)
	request.Method = rest.Post
	request.Body = mail.GetRequestBody(email)

	ctx, attempt := provider.Watch(ctx)
	response, err := c.http.SendWithContext(ctx, request)
	switch {
	case response != nil && response.StatusCode/100 == 2: // also when the rest of the answer is cut off
		id := http.Header(response.Headers).Get("X-Message-Id")
		return crm.Receipt{Provider: Provider, ProviderID: id}, nil
	case err != nil:
		return crm.Receipt{}, attempt.Failure(fmt.Errorf("post mail: %w", err))
	}
	return crm.Receipt{}, provider.Answer(response.StatusCode, response.Headers, "", time.Now(), refusal(response.Body))
}

func compose(out crm.Outgoing) (*mail.SGMailV3, error) {
	from, err := mailbox(out.From)
	if err != nil {
		return nil, fmt.Errorf("read sender: %w", err)
	}
	if out.To == "" {
		return nil, errors.New("no recipient")
	}
	email := mail.NewV3Mail().SetFrom(from)
	email.Subject = out.Subject
	if out.ReplyTo != "" {
		replyTo, err := mailbox(out.ReplyTo)
		if err != nil {
			return nil, fmt.Errorf("read reply address: %w", err)
		}
		email.SetReplyTo(replyTo)
	}
	recipient := mail.NewPersonalization()
	recipient.AddTos(mail.NewEmail(out.ToName, out.To))
	email.AddPersonalizations(recipient)
	email.SetCustomArg(messageArg, out.MessageID)
	if out.Text != "" { // SendGrid wants text/plain first
		email.AddContent(mail.NewContent("text/plain", out.Text))
	}
	if out.HTML != "" {
		email.AddContent(mail.NewContent("text/html", out.HTML))
	}
	if err := attach(email, out.Attachments); err != nil {
		return nil, err
	}
	for name, value := range out.Headers {
		email.SetHeader(name, value)
	}
	email.AddCategories(out.Categories...)
	email.SetTrackingSettings(tracking(&out))
	return email, nil
}

// attach adds files. An invitation is a part of the body as well, which is the only one whose type may have a parameter.
func attach(email *mail.SGMailV3, attachments []crm.Attachment) error {
	files, err := provider.Files(attachments)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Invitation != "" {
			email.AddContent(mail.NewContent(f.Invitation, string(f.Content)))
		}
		email.AddAttachment(mail.NewAttachment().SetFilename(f.Name).SetType(f.MediaType).SetDisposition("attachment").
			SetContent(base64.StdEncoding.EncodeToString(f.Content)))
	}
	return nil
}

// tracking says so explicitly, whatever the account's own settings are: the workspace says what is noticed, and unsubscribing
// is Rapport's to handle, or its consents would not know of it.
func tracking(out *crm.Outgoing) *mail.TrackingSettings {
	return mail.NewTrackingSettings().
		SetClickTracking(mail.NewClickTrackingSetting().SetEnable(out.TrackClicks).SetEnableText(false)).
		SetOpenTracking(mail.NewOpenTrackingSetting().SetEnable(out.TrackOpens)).
		SetSubscriptionTracking(mail.NewSubscriptionTrackingSetting().SetEnable(false))
}

func mailbox(s string) (*mail.Email, error) {
	address, err := stdmail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	return mail.NewEmail(address.Name, address.Address), nil
}

// refusal makes an error of SendGrid's reasons.
func refusal(body string) error {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
			Field   string `json:"field"`
		} `json:"errors"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Errors) == 0 {
		return errors.New("answer without a reason")
	}
	reasons := make([]string, len(answer.Errors))
	for i, e := range answer.Errors {
		reasons[i] = strings.TrimSpace(e.Field + " " + provider.Redact(e.Message))
	}
	return errors.New(strings.Join(reasons, "; "))
}
