package smtp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DefaultTimeout bounds connecting, and handing over one mail, when the configuration does not.
const DefaultTimeout = 20 * time.Second

// connections is how many connections to the server are open at once. Relays count them, and few take many.
const connections = 8

// Config says how to reach the mail server.
type Config struct {
	// URL is smtp://user@host:587 (STARTTLS is required) or smtps://user@host:465 (TLS from the beginning). Without a user
	// nobody signs in. ?tls=optional takes STARTTLS where it is offered, ?tls=none never; ports default to 587 and 465.
	URL      string
	Password string
	Timeout  time.Duration // of connecting, and again of one mail; 0 is DefaultTimeout
	TLS      *tls.Config   // nil: the system's certificates, TLS 1.2 and newer
}

// server is what a Config says, read.
type server struct {
	host     string
	port     int
	user     string
	implicit bool // TLS from the beginning
	policy   gomail.TLSPolicy
}

// parse reads the URL. Errors name the setting by which it is given.
func parse(raw, password string) (s server, err error) {
	const form = "write it as smtp://user@mail.example.com:587"
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return s, errors.New("--email is not the address of a mail server: " + form) // the URL itself may hold a password
	}
	s = server{host: u.Hostname(), user: u.User.Username(), policy: gomail.TLSMandatory}
	if _, inside := u.User.Password(); inside {
		return s, errors.New("--email holds a password: give it as RAPPORT_SMTP_PASSWORD instead")
	}
	switch u.Scheme {
	case "smtp":
		s.port = 587
	case "smtps":
		s.port, s.implicit = 465, true
	default:
		return s, fmt.Errorf("--email begins with %q: %s", u.Scheme, form)
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return s, fmt.Errorf("--email has the port %q: %s", p, form)
		}
	}
	for name, values := range u.Query() {
		if name != "tls" || len(values) != 1 {
			return s, fmt.Errorf("--email has the setting %q: the only one is tls, which is required, optional or none", name)
		}
		if s.policy, err = policy(values[0]); err != nil {
			return s, err
		}
	}
	switch {
	case s.user != "" && password == "":
		return s, fmt.Errorf("--email signs in as %s without a password: set RAPPORT_SMTP_PASSWORD", s.user)
	case s.user != "" && !s.implicit && s.policy != gomail.TLSMandatory && !local(s.host):
		return s, errors.New("--email would send the password without encryption: leave tls out, or the user")
	}
	return s, nil
}

func policy(word string) (gomail.TLSPolicy, error) {
	switch word {
	case "required":
		return gomail.TLSMandatory, nil
	case "optional":
		return gomail.TLSOpportunistic, nil
	case "none":
		return gomail.NoTLS, nil
	}
	return gomail.TLSMandatory, fmt.Errorf("--email has tls=%s: it is required, optional or none", word)
}

// local tells whether the server is this machine, to which nobody listens in.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// options are go-mail's.
func (c *Config) options(s server) []gomail.Option {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		tlsConfig = c.TLS.Clone()
	}
	if tlsConfig.ServerName == "" {
		tlsConfig.ServerName = s.host
	}
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(c.Timeout), gomail.WithTLSConfig(tlsConfig), gomail.WithTLSPolicy(s.policy),
	}
	if s.implicit {
		options = append(options, gomail.WithSSL())
	}
	if s.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.user), gomail.WithPassword(c.Password))
	}
	return options
}
