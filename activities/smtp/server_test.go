package smtp_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/rapport-crm/rapport/activities/smtp"
)

const password = "correct horse"

// relay is a mail server that keeps what it is given, and lies when it is told to.
type relay struct {
	address string
	roots   *tls.Config // what a client has to trust

	from, rcpt, data *gosmtp.SMTPError // answers to these commands
	hangUp           string            // where it closes the connection: at the greeting, "rcpt", "data" or "dot"
	silent           bool              // it never answers to the final dot

	mu       sync.Mutex
	sessions int
	mails    []received
}

type received struct {
	from, to string
	encoded  bool // by TLS
	signedIn bool
	content  []byte
}

// start listens. A relay with implicit TLS speaks nothing else.
func (r *relay) start(t *testing.T, implicit, starttls bool) {
	t.Helper()
	certificates := httptest.NewTLSServer(nil)
	certificates.Close()
	pool := x509.NewCertPool()
	pool.AddCert(certificates.Certificate())
	r.roots = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	theirs := &tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12}

	server := gosmtp.NewServer(gosmtp.BackendFunc(r.session))
	server.Domain, server.ReadTimeout, server.WriteTimeout = "relay.example", 5*time.Second, 5*time.Second
	server.ErrorLog = silence{}
	if starttls {
		server.TLSConfig = theirs
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, theirs)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close() // where the test was over before the server had begun
		if err := <-done; err != nil && !errors.Is(err, gosmtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("relay: %v", err)
		}
	})
}

type silence struct{}

func (silence) Printf(string, ...any) {}
func (silence) Println(...any)        {}

// client returns a client of the relay.
func (r *relay) client(t *testing.T, scheme, query string) *smtp.Client {
	t.Helper()
	c, err := smtp.New(smtp.Config{
		URL: scheme + "://mailer%40trust.example@" + r.address + query, Password: password, Timeout: 2 * time.Second, TLS: r.roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *relay) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.mails...)
}

func (r *relay) session(c *gosmtp.Conn) (gosmtp.Session, error) {
	r.mu.Lock()
	r.sessions++
	r.mu.Unlock()
	if r.hangUp == "greeting" {
		return nil, c.Conn().Close()
	}
	return &session{relay: r, conn: c}, nil
}

type session struct {
	relay *relay
	conn  *gosmtp.Conn
	mail  received
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, given string) error {
		if user != "mailer@trust.example" || given != password {
			return &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: "Authentication failed"}
		}
		s.mail.signedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *gosmtp.MailOptions) error {
	s.mail.from = from
	_, s.mail.encoded = s.conn.TLSConnectionState()
	return orNil(s.relay.from)
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	s.mail.to = to
	if s.relay.hangUp == "rcpt" {
		return s.conn.Conn().Close()
	}
	return orNil(s.relay.rcpt)
}

func (s *session) Data(content io.Reader) (err error) {
	if s.relay.hangUp == "data" {
		return s.conn.Conn().Close()
	}
	if s.mail.content, err = io.ReadAll(content); err != nil {
		return err
	}
	if s.relay.data != nil {
		return s.relay.data
	}
	s.relay.mu.Lock()
	s.relay.mails = append(s.relay.mails, s.mail)
	s.relay.mu.Unlock()
	switch {
	case s.relay.hangUp == "dot":
		return s.conn.Conn().Close()
	case s.relay.silent:
		time.Sleep(3 * time.Second) // longer than the client waits
	}
	return nil
}

func (s *session) Reset() { s.mail = received{signedIn: s.mail.signedIn} }

func (s *session) Logout() error { return nil }

// orNil keeps a nil of its own type from becoming an error.
func orNil(err *gosmtp.SMTPError) error {
	if err == nil {
		return nil
	}
	return err
}

// bareLineEnds counts line feeds without a carriage return, and the other way round (RFC 5322, 2.3: they only occur together).
func bareLineEnds(content []byte) int {
	pairs := bytes.Count(content, []byte("\r\n"))
	return bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("\r")) - 2*pairs
}
