package sandbox

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The paths below Config.WebhookBase that webhooks are posted to. Twilio's status callbacks go to the URL that each
// message names instead.
const (
	pathSendGridEvents  = "/webhooks/sendgrid/events"
	pathSendGridInbound = "/webhooks/sendgrid/inbound"
	pathTwilioInbound   = "/webhooks/twilio/inbound"
)

// webhookTimeout is how long a receiver may take to answer; SendGrid and Twilio both give up after 10 to 15 seconds.
const webhookTimeout = 10 * time.Second

var (
	accountSIDFormat = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	e164Format       = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// Config says whom the sandbox plays and where it keeps what it was sent.
type Config struct {
	// DSN is the Postgres database that the sandbox keeps its own schema, sandbox, in.
	DSN string
	// APIKey is the SendGrid API key that requests must carry as a bearer token.
	APIKey string
	// AccountSID is the Twilio account, AC and 32 lower-case hex digits.
	AccountSID string
	// AuthToken is the account's token: the password of API requests and the key of webhook signatures.
	AuthToken string
	// ATSSecret is what the applicant tracking system's requests are signed with: whsec_ and base64. Without it there is no
	// such system.
	ATSSecret string
	// SMSNumbers are the numbers that the Twilio account owns, in E.164. The first is where a phone without a conversation texts to.
	SMSNumbers []string
	// WebhookBase is the public base URL of Rapport's API, such as http://127.0.0.1:8080. Without it nothing is posted, except
	// status callbacks and one-click unsubscribes, which name their own URL.
	WebhookBase string
	// PublicURL is where the links in mails reach Rapport, if that is not WebhookBase. They are asked for at WebhookBase.
	PublicURL string
	// Key signs SendGrid's webhooks. Without it the sandbox makes one and keeps it in its database.
	Key *ecdsa.PrivateKey
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Now is the clock of accepted messages, webhook events and webhook signatures. It defaults to time.Now.
	Now func() time.Time
}

// Sandbox is one SendGrid account, one Twilio account and an applicant tracking system. It is safe for concurrent use.
type Sandbox struct {
	config    Config
	pool      *pgxpool.Pool
	key       *ecdsa.PrivateKey
	publicKey string
	log       *slog.Logger
	now       func() time.Time
	faults    *faultBox
	client    *http.Client
	pages     *template.Template
	hurry     chan struct{}
	ats       *standardwebhooks.Webhook // verifies what the applicant tracking system is told; nil where there is none
}

// New connects to the database, creates what is missing there and returns the sandbox. It posts no webhook before Run.
func New(ctx context.Context, config Config) (*Sandbox, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	config.WebhookBase = strings.TrimRight(config.WebhookBase, "/")
	config.PublicURL = cmp.Or(strings.TrimRight(config.PublicURL, "/"), config.WebhookBase)
	s := &Sandbox{
		config: config,
		log:    config.Logger,
		now:    config.Now,
		faults: &faultBox{},
		client: webhookClient(),
		hurry:  make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if config.ATSSecret != "" {
		if s.ats, err = standardwebhooks.NewWebhook(config.ATSSecret); err != nil {
			return nil, fmt.Errorf("read the sandbox's ATS secret: %w", err)
		}
	}
	if s.pages, err = parsePages(); err != nil {
		return nil, fmt.Errorf("parse sandbox pages: %w", err)
	}
	if s.pool, err = connect(ctx, config.DSN); err != nil {
		return nil, fmt.Errorf("connect to the sandbox's database: %w", err)
	}
	if err := s.prepare(ctx); err != nil {
		s.pool.Close()
		return nil, err
	}
	return s, nil
}

// connect opens a pool of ten connections unless the DSN names another number: every accepted message is a commit, and
// concurrent ones share a flush to disk.
func connect(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = 10
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// prepare creates the schema and settles which key signs.
func (s *Sandbox) prepare(ctx context.Context) error {
	if err := s.createSchema(ctx); err != nil {
		return err
	}
	s.key = s.config.Key
	if s.key == nil {
		key, err := s.storedKey(ctx)
		if err != nil {
			return err
		}
		s.key = key
	}
	var err error
	s.publicKey, err = encodePublicKey(s.key)
	return err
}

// PublicKey returns the key that SendGrid's webhooks are verified with, in base64 DER as SendGrid's settings page shows it.
func (s *Sandbox) PublicKey() string { return s.publicKey }

// Close releases the database connections. Stop Run and the server first.
func (s *Sandbox) Close() {
	s.client.CloseIdleConnections()
	s.pool.Close()
}

// check reports the first setting that the sandbox cannot work with.
func (c Config) check() error {
	switch {
	case c.DSN == "":
		return errors.New("sandbox needs a database: set DSN")
	case c.APIKey == "":
		return errors.New("sandbox needs the SendGrid API key that it should accept: set APIKey")
	case !accountSIDFormat.MatchString(c.AccountSID):
		return fmt.Errorf("sandbox needs a Twilio account SID of AC and 32 lower-case hex digits, not %q", c.AccountSID)
	case c.AuthToken == "":
		return errors.New("sandbox needs the Twilio auth token that it should accept: set AuthToken")
	}
	for _, number := range c.SMSNumbers {
		if !e164Format.MatchString(number) {
			return fmt.Errorf("sandbox needs its SMS numbers in E.164, such as +4915799990000, not %q", number)
		}
	}
	if c.WebhookBase != "" && !isWebURL(c.WebhookBase) {
		return fmt.Errorf("sandbox needs an http or https URL as webhook base, not %q", c.WebhookBase)
	}
	return nil
}

// webhookURL returns where a webhook of the given path goes, or nothing when no receiver is configured.
func (s *Sandbox) webhookURL(path string) string {
	if s.config.WebhookBase == "" {
		return ""
	}
	return s.config.WebhookBase + path
}

// hasten makes Run look for due webhooks now rather than at its next tick.
func (s *Sandbox) hasten() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

func webhookClient() *http.Client {
	return &http.Client{
		Timeout:   webhookTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: deliverers, IdleConnTimeout: time.Minute},
		// Neither provider follows a redirect of a signed webhook, and RFC 8058 forbids it for one-click unsubscribes.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// isWebURL reports whether s is an absolute http or https URL with a host.
func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
