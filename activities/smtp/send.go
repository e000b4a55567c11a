package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdmail "net/mail"
	"slices"
	"strings"
	"sync"

	gomail "github.com/wneessen/go-mail"
	wire "github.com/wneessen/go-mail/smtp"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// Provider is the name under which receipts of this package are known.
const Provider = "smtp"

// Client sends email. It is safe for concurrent use and keeps its connections open.
type Client struct {
	dialer *gomail.Client
	slots  chan struct{} // one for each connection there may be

	mu   sync.Mutex
	idle []*wire.Client
}

// New returns a client. Nothing is connected before Send. The error says which setting is wrong.
func New(config Config) (*Client, error) {
	s, err := parse(config.URL, config.Password)
	if err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	dialer, err := gomail.NewClient(s.host, config.options(s)...)
	if err != nil {
		return nil, fmt.Errorf("prepare mail server: %w", err)
	}
	return &Client{dialer: dialer, slots: make(chan struct{}, connections)}, nil
}

// Send hands one message to the server, once. The receipt's ProviderID is the Message-ID, without its brackets. Every error
// is a *crm.SendError.
func (c *Client) Send(ctx context.Context, out crm.Outgoing) (crm.Receipt, error) {
	mail, err := compose(&out)
	if err != nil {
		return crm.Receipt{}, &crm.SendError{Class: crm.SendRefused, Code: "invalid_message", Err: err}
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return crm.Receipt{}, &crm.SendError{Class: crm.SendRetry, Code: "timeout", Err: ctx.Err()}
	}
	conn, err := c.deliver(ctx, mail)
	c.keep(conn, err)
	if err == nil || mail.IsDelivered() { // also when the connection broke right after
		return crm.Receipt{Provider: Provider, ProviderID: strings.Trim(mail.GetMessageID(), "<>")}, nil
	}
	return crm.Receipt{}, classify(err)
}

// deliver sends a mail over a connection that is open, else over a new one. What fails before the mail was begun, because
// the server had hung up meanwhile, is tried again.
func (c *Client) deliver(ctx context.Context, mail *gomail.Msg) (*wire.Client, error) {
	if conn := c.take(); conn != nil {
		err := c.dialer.SendWithSMTPClient(conn, mail)
		if failed, ok := errors.AsType[*gomail.SendError](err); !ok || failed.Reason != gomail.ErrConnCheck {
			return conn, err
		}
		_ = conn.Close() // it is dead already
	}
	conn, err := c.dialer.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, dialError{err}
	}
	return conn, c.dialer.SendWithSMTPClient(conn, mail)
}

// take returns the connection that was used last, or nil.
func (c *Client) take() *wire.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.idle) - 1
	if last < 0 {
		return nil
	}
	conn := c.idle[last]
	c.idle = c.idle[:last]
	return conn
}

// keep leaves a connection open for the next mail. After an error nobody knows where the dialogue stands.
func (c *Client) keep(conn *wire.Client, err error) {
	switch {
	case conn == nil:
	case err != nil:
		_ = conn.Close() // the server learns of it anyway
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.idle = append(c.idle, conn)
	}
}

// compose makes a mail of a message.
func compose(out *crm.Outgoing) (*gomail.Msg, error) {
	from, err := stdmail.ParseAddress(out.From)
	if err != nil {
		return nil, fmt.Errorf("read sender: %w", err)
	}
	to := &stdmail.Address{Name: out.ToName, Address: out.To}
	if bare, err := stdmail.ParseAddress(out.To); err != nil || bare.Address != out.To {
		return nil, errors.New("no recipient")
	}
	mail := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	mail.FromMailAddress(from)
	mail.ToMailAddress(to)
	if out.ReturnPath != "" {
		if err := mail.EnvelopeFrom(out.ReturnPath); err != nil {
			return nil, fmt.Errorf("read return path: %w", err)
		}
	}
	if out.ReplyTo != "" {
		if err := mail.ReplyTo(out.ReplyTo); err != nil {
			return nil, fmt.Errorf("read reply address: %w", err)
		}
	}
	mail.Subject(oneLine(out.Subject))
	for name, value := range out.Headers {
		if value != oneLine(value) {
			return nil, fmt.Errorf("header %s has more than one line", name)
		}
		if strings.EqualFold(name, "Message-ID") {
			mail.SetMessageIDWithValue(strings.Trim(value, "<>"))
			continue
		}
		mail.SetGenHeader(gomail.Header(name), value)
	}
	return mail, body(mail, out)
}

// body writes the same thing in several ways, the simplest first (RFC 2046, 5.1.4), and adds the files.
func body(mail *gomail.Msg, out *crm.Outgoing) error {
	files, err := provider.Files(out.Attachments)
	if err != nil {
		return err
	}
	type part struct{ kind, content string }
	parts := []part{{"text/plain", out.Text}, {"text/html", out.HTML}}
	for _, f := range files {
		if f.Invitation != "" {
			parts = append(parts, part{f.Invitation, string(f.Content)})
		}
		file := gomail.WithFileContentType(gomail.ContentType(f.MediaType))
		if err := mail.AttachReader(f.Name, bytes.NewReader(f.Content), file); err != nil {
			return fmt.Errorf("attach file: %w", err)
		}
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.content == "" })
	if len(parts) == 0 {
		return errors.New("no body")
	}
	for i, p := range parts {
		if i == 0 {
			mail.SetBodyString(gomail.ContentType(p.kind), p.content)
			continue
		}
		mail.AddAlternativeString(gomail.ContentType(p.kind), p.content)
	}
	return nil
}

// oneLine keeps a value from becoming a header of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}
