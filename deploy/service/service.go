package service

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/activities/smtp"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/local"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

// Config is what an installation is made of.
type Config struct {
	Store      *store.Store
	Temporal   client.Client // not needed by the API, but for readiness
	PublicURL  string        // where candidates and providers reach the API
	TemporalUI string        // for links; may be empty
	Providers  Providers
	Tracking   string      // who notices opens and clicks: TrackOwn, TrackProvider or TrackOff; empty: TrackOwn
	Inbound    string      // the domain whose mail is posted to /webhooks/sendgrid/inbound; empty: none
	Calls      call.Config // which hosts call steps may reach, and the ATS; none by default
	Calendars  Calendars   // how people's calendars are reached
	ErasureLog string      // the file in which erasures are kept beside the database; empty: none
	Scale      crm.Scale
	BuildID    string
	Log        *slog.Logger
}

// Real tells whether there is any account, so that messages leave the machine.
func (p Providers) Real() bool {
	return p.SendGridKey != "" || p.TwilioAccount != "" || p.MailServer != ""
}

// Providers are the accounts at SendGrid and Twilio, or a mail server. A channel without an account sends nothing: its messages are refused
// with the reason no_provider.
type Providers struct {
	SendGridKey       string
	SendGridPublicKey string  // verifies SendGrid's webhooks; base64 DER, as SendGrid shows it
	SendGridURL       string  // empty: SendGrid's own
	SendGridRate      float64 // messages a second that one worker hands over at most; 0: any number
	TwilioAccount     string
	TwilioToken       string
	TwilioURL         string // empty: Twilio's own
	TwilioKeywords    string // who confirms STOP and START: KeywordsTwilio or KeywordsRapport; empty: Twilio
	MailServer        string // smtp://user@host:587, instead of SendGrid for email; see smtp.Config
	MailPassword      string
	TwilioRate        float64
}

// lowestRate is one message in ten seconds: what is claimed has to be sent within the lease.
const lowestRate = 0.1

// check says what is wrong with the rates.
func (p Providers) check() error {
	for flag, rate := range map[string]float64{"--sendgrid-rate": p.SendGridRate, "--twilio-rate": p.TwilioRate} {
		if rate != 0 && rate < lowestRate {
			return fmt.Errorf("%s must be 0.1 messages a second or more, or 0 for any number", flag)
		}
	}
	return nil
}

// Who confirms STOP and START by text. Twilio does unless that is switched off for the account.
const (
	KeywordsTwilio  = "twilio"
	KeywordsRapport = "rapport"
)

// Who notices opens and clicks, where the workspace wants them noticed.
const (
	TrackOwn      = "own"      // links and pictures of Rapport, whoever carries the mail
	TrackProvider = "provider" // SendGrid
	TrackOff      = "off"
)

// checkTracking says what is wrong with the setting.
func (c *Config) checkTracking() error {
	if !slices.Contains([]string{"", TrackOwn, TrackProvider, TrackOff}, c.Tracking) {
		return fmt.Errorf("--tracking is %s, %s or %s, not %q", TrackOwn, TrackProvider, TrackOff, c.Tracking)
	}
	if c.Tracking == TrackProvider && c.Providers.MailServer != "" {
		return errors.New("--tracking provider needs SendGrid: a mail server tracks nothing; use --tracking own")
	}
	return nil
}

// tracking is what workers need of it.
func (c *Config) tracking(public string, secret []byte) worker.Tracking {
	switch c.Tracking {
	case TrackProvider:
		return worker.Tracking{Provider: true}
	case TrackOff:
		return worker.Tracking{}
	}
	return worker.Tracking{
		Link:  func(messageID, target string) string { return api.LinkURL(public, secret, messageID, target) },
		Pixel: func(messageID string) string { return api.PixelURL(public, secret, messageID) },
	}
}

// now is Rapport's clock.
func (c *Config) now() time.Time { return c.Scale.Now(time.Now()) }

// API returns the handler of the HTTP API.
func API(ctx context.Context, c Config) (http.Handler, error) {
	secret, err := linkSecret(ctx, c.Store)
	if err != nil {
		return nil, err
	}
	verifier, err := c.Providers.sendGridVerifier(c.Scale)
	if err != nil {
		return nil, err
	}
	if k := c.Providers.TwilioKeywords; !slices.Contains([]string{"", KeywordsTwilio, KeywordsRapport}, k) {
		return nil, fmt.Errorf("--twilio-keywords is %s or %s, not %q", KeywordsTwilio, KeywordsRapport, k)
	}
	if err := c.checkTracking(); err != nil {
		return nil, err
	}
	calendars, domain, err := c.calendars(ctx)
	if err != nil {
		return nil, err
	}
	var ready func(context.Context) error
	if c.Temporal != nil {
		ready = func(ctx context.Context) error {
			_, err := c.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		}
	}
	return api.New(api.Config{ //nolint:contextcheck // handlers have their requests' contexts
		Store: c.Store, PublicURL: c.PublicURL, LinkSecret: secret, CalendarDomain: domain, CalendarApps: c.Calendars.apps(c.PublicURL), OpenCalendar: calendars,
		SendGrid: verifier, Twilio: &twilio.Verifier{AuthToken: c.Providers.TwilioToken, PublicURL: c.PublicURL},
		AnswerKeywords: c.Providers.TwilioKeywords == KeywordsRapport, NoTracking: c.Tracking == TrackOff, Recipients: c.recipients(),
		Temporal: ready, TemporalUI: c.TemporalUI, Log: c.Log, Now: c.now, Registry: prometheus.NewRegistry(),
	}), nil
}

// recipients are those whom the settings have data handed to. What stands at a loopback address is the sandbox.
func (c *Config) recipients() []string {
	var all []string
	p := c.Providers
	switch {
	case p.MailServer != "":
		all = append(all, dsl.RecipientSMTP)
	case p.SendGridKey != "" && !loopback(p.SendGridURL):
		all = append(all, dsl.RecipientSendGrid)
	}
	if p.TwilioAccount != "" && !loopback(p.TwilioURL) {
		all = append(all, dsl.RecipientTwilio)
	}
	if ats := c.Calls.ATS.URL; ats != "" && !loopback(ats) {
		all = append(all, dsl.RecipientATS)
	}
	return all
}

func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// sendGridVerifier returns nil without a key: then SendGrid's webhooks are refused.
func (p Providers) sendGridVerifier(scale crm.Scale) (*sendgrid.Verifier, error) {
	if p.SendGridPublicKey == "" {
		return nil, nil
	}
	window := sendgrid.ReplayWindow
	if scale.Scaled() {
		window = 0 // ten minutes pass in a moment
	}
	v := &sendgrid.Verifier{PublicKeys: []string{p.SendGridPublicKey}, Window: window}
	if err := v.Check(); err != nil {
		return nil, fmt.Errorf("read --sendgrid-public-key: %w", err)
	}
	return v, nil
}

// Worker returns the worker.
func Worker(ctx context.Context, c Config) (*worker.Worker, error) {
	secret, err := linkSecret(ctx, c.Store)
	if err != nil {
		return nil, err
	}
	if err := c.Calls.Check(); err != nil {
		return nil, fmt.Errorf("read settings of call and ats steps (--call-hosts, --ats-url, RAPPORT_SECRET_<NAME>, RAPPORT_ATS_SECRET): %w", err)
	}
	if err := checkDomain(c.Inbound); err != nil {
		return nil, err
	}
	if err := c.Providers.check(); err != nil {
		return nil, err
	}
	if err := c.checkTracking(); err != nil {
		return nil, err
	}
	providers, err := c.Providers.clients()
	if err != nil {
		return nil, err
	}
	if err := c.reseal(ctx); err != nil {
		return nil, err
	}
	calendars, domain, err := c.calendars(ctx)
	if err != nil {
		return nil, err
	}
	public := strings.TrimSuffix(c.PublicURL, "/")
	var log, checkpoints worker.ErasureLog
	if c.ErasureLog != "" {
		log = ErasureLog{Path: c.ErasureLog}
		checkpoints = ErasureLog{Path: filepath.Join(filepath.Dir(c.ErasureLog), local.CheckpointsFile)}
	}
	return worker.New(worker.Config{
		Store: c.Store, Temporal: c.Temporal, Providers: providers, Scale: c.Scale, PublicURL: public,
		ReplyDomain: c.Inbound,
		Rates:       map[crm.Channel]float64{crm.Email: c.Providers.SendGridRate, crm.SMS: c.Providers.TwilioRate},
		Calls:       call.New(c.Calls),
		ErasureLog:  log,
		Checkpoints: checkpoints,
		Calendars:   calendars, CalendarDomain: domain,
		Unsubscribe: func(messageID string) string { return api.UnsubscribeURL(public, secret, messageID) },
		SurveyLink:  func(messageID string) string { return api.SurveyURL(public, secret, messageID) },
		ConfirmLink: func(messageID string) string { return api.ConfirmURL(public, secret, messageID) },
		RequestLink: func(messageID, sequence string) string { return api.RequestURL(public, secret, messageID, sequence) },
		Preferences: func(candidateID string, now time.Time) string {
			return api.PreferencesURL(public, secret, candidateID, now)
		},
		InterviewerPage: func(meetingID, interviewerID string) string {
			return api.PanelURL(public, secret, meetingID, interviewerID)
		},
		SchedulePage: func(enrollmentID string) string { return api.ScheduleURL(public, secret, enrollmentID) },
		Tracking:     c.tracking(public, secret),
		BuildID:      c.BuildID, Log: c.Log,
	}), nil
}

// reseal seals anew what an older seal key has sealed, and says so: that key is not needed any more then.
func (c *Config) reseal(ctx context.Context) error {
	resealed, locked, err := c.Store.Reseal(ctx)
	if err != nil {
		return err
	}
	if resealed > 0 {
		c.Log.InfoContext(ctx, "secrets of calendars were sealed anew", "count", resealed)
	}
	if locked > 0 {
		c.Log.WarnContext(ctx, "no seal key opens the secrets of some calendars: set RAPPORT_SEAL_KEY, or connect them again", "count", locked)
	}
	return nil
}

// checkDomain refuses what no mail can be sent to.
func checkDomain(domain string) error {
	if domain == "" {
		return nil
	}
	if a, err := mail.ParseAddress("reply@" + domain); err != nil || a.Address != "reply@"+domain || !strings.Contains(domain, ".") {
		return fmt.Errorf("--inbound-domain %q is not a domain; give one such as reply.example.com, whose MX record points to your provider", domain)
	}
	return nil
}

func (p Providers) clients() (map[crm.Channel]worker.Provider, error) {
	clients := map[crm.Channel]worker.Provider{}
	if p.SendGridKey != "" {
		clients[crm.Email] = sendgrid.New(sendgrid.Config{APIKey: p.SendGridKey, BaseURL: p.SendGridURL})
	}
	if p.MailServer != "" {
		if p.SendGridKey != "" {
			return nil, errors.New("--email and --sendgrid-api-key are both given: email goes by one of them")
		}
		server, err := smtp.New(smtp.Config{URL: p.MailServer, Password: p.MailPassword})
		if err != nil {
			return nil, err
		}
		clients[crm.Email] = server
	}
	if p.TwilioAccount != "" {
		clients[crm.SMS] = twilio.New(twilio.Config{AccountSID: p.TwilioAccount, AuthToken: p.TwilioToken, BaseURL: p.TwilioURL})
	}
	return clients, nil
}

// linkSecret signs the links in messages. It is made once per installation and shared by the API and every worker.
func linkSecret(ctx context.Context, s *store.Store) ([]byte, error) {
	text, err := s.Setting(ctx, "link_secret", func() (string, error) {
		raw := make([]byte, 32)
		rand.Read(raw) // documented never to fail
		return hex.EncodeToString(raw), nil
	})
	if err != nil {
		return nil, fmt.Errorf("read link secret: %w", err)
	}
	secret, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read link secret: %w", err)
	}
	return secret, nil
}
