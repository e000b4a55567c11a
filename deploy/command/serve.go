package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"github.com/rapport-crm/rapport/deploy/service"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// settings are the flags that serve and work share.
type settings struct {
	database  string
	publicURL string
	address   string
	providers service.Providers
	calls     calls
	inbound   string
	tracking  string
	calendars service.Calendars
	erasures  string
}

func (s *settings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.database, "database-url", "", "the Postgres database (required)")
	f.StringVar(&s.publicURL, "public-url", "", "where candidates and providers reach the API (required)")
	providerFlags(f, &s.providers)
	inboundFlag(f, &s.inbound)
	trackingFlag(f, &s.tracking)
	s.calls.flags(f)
	calendarFlags(f, &s.calendars)
	erasureLogFlag(f, &s.erasures)
}

func inboundFlag(f *pflag.FlagSet, domain *string) {
	f.StringVar(domain, "inbound-domain", "", "the domain whose mail is posted to /webhooks/sendgrid/inbound: answers go to reply+MESSAGE@ that domain")
}

func trackingFlag(f *pflag.FlagSet, who *string) {
	f.StringVar(who, "tracking", service.TrackOwn, "who notices opens and clicks where the workspace wants them: own (Rapport's links and pictures), provider (SendGrid's), off")
}

func providerFlags(f *pflag.FlagSet, p *service.Providers) {
	f.StringVar(&p.SendGridKey, "sendgrid-api-key", "", "API key of the SendGrid account")
	f.StringVar(&p.SendGridPublicKey, "sendgrid-public-key", "", "verification key of SendGrid's signed webhooks")
	f.StringVar(&p.SendGridURL, "sendgrid-url", "", "base URL of SendGrid's API, if it is not the usual one")
	f.Float64Var(&p.SendGridRate, "sendgrid-rate", 100, "messages a second that a worker hands to SendGrid, or to the mail server, at most; 0: any number")
	f.StringVar(&p.MailServer, "email", "", "a mail server instead of SendGrid, such as smtp://user@mail.example.com:587 (STARTTLS) or smtps://...:465")
	f.StringVar(&p.MailPassword, "smtp-password", "", "password at the mail server; better given as RAPPORT_SMTP_PASSWORD, which no list of processes shows")
	f.StringVar(&p.TwilioAccount, "twilio-account-sid", "", "SID of the Twilio account")
	f.StringVar(&p.TwilioToken, "twilio-auth-token", "", "auth token of the Twilio account")
	f.StringVar(&p.TwilioURL, "twilio-url", "", "base URL of Twilio's API, if it is not the usual one")
	f.StringVar(&p.TwilioKeywords, "twilio-keywords", service.KeywordsTwilio, "who confirms STOP and START: twilio, or rapport where Twilio's own handling is off")
	f.Float64Var(&p.TwilioRate, "twilio-rate", 1, "messages a second that a worker hands to Twilio at most, 1 for a US long code, 10 for most mobile numbers elsewhere, 100 for a short code; 0: any number")
}

// open connects to Postgres and Temporal. Temporal's address comes from its own environment variables and profiles
// (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE, ...).
func (s *settings) open(ctx context.Context, l *slog.Logger) (c service.Config, closeAll func(), err error) {
	if s.database == "" || s.publicURL == "" {
		return c, nil, errors.New("--database-url and --public-url are required; as environment variables they are RAPPORT_DATABASE_URL and RAPPORT_PUBLIC_URL")
	}
	keys, err := sealKeys()
	if err != nil {
		return c, nil, err
	}
	receipts, err := receiptKey()
	if err != nil {
		return c, nil, err
	}
	if err := store.Migrate(ctx, s.database); err != nil {
		return c, nil, fmt.Errorf("prepare database: %w", err)
	}
	db, err := store.Open(ctx, s.database, store.Options{Log: l, MaxConns: 48, Seal: keys, Receipts: receipts, Holding: (&dsl.Holding{}).Holds})
	if err != nil {
		return c, nil, err
	}
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		db.Close()
		return c, nil, fmt.Errorf("read temporal settings: %w", err)
	}
	options.Logger = log.NewStructuredLogger(l)
	temporal, err := client.DialContext(ctx, options)
	if err != nil {
		db.Close()
		return c, nil, fmt.Errorf("temporal is not reachable at %s; set TEMPORAL_ADDRESS: %w", options.HostPort, err)
	}
	c = service.Config{Store: db, Temporal: temporal, PublicURL: s.publicURL, Providers: s.providers, Inbound: s.inbound, Tracking: s.tracking, Calls: s.calls.config(), Calendars: calendarSecrets(s.calendars), ErasureLog: s.erasures, Log: l}
	return c, func() { temporal.Close(); db.Close() }, nil
}

// run runs one part of Rapport on the connections that the settings name.
func (s *settings) run(cmd *cobra.Command, part func(context.Context, service.Config) error) error {
	l, err := logger(cmd)
	if err != nil {
		return err
	}
	c, closeAll, err := s.open(cmd.Context(), l)
	if err != nil {
		return err
	}
	defer closeAll()
	if _, err := c.ReplayErasures(cmd.Context()); err != nil {
		return err
	}
	return part(cmd.Context(), c)
}

func serveCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the API against an own Postgres and Temporal; any number beside each other",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.run(cmd, func(ctx context.Context, c service.Config) error {
				handler, err := service.API(ctx, c)
				if err != nil {
					return err
				}
				return listen(ctx, s.address, handler)
			})
		},
	}
	s.flags(cmd.Flags())
	cmd.Flags().StringVar(&s.address, "address", ":8420", "where to listen")
	return cmd
}

// listen answers requests until the context ends, then finishes those under way.
func listen(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return fmt.Errorf("listen: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

func workCommand() *cobra.Command {
	var s settings
	var buildID string
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Run a worker against an own Postgres and Temporal; any number beside each other",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.run(cmd, func(ctx context.Context, c service.Config) error {
				c.BuildID = buildID
				w, err := service.Worker(ctx, c)
				if err != nil {
					return err
				}
				return w.Run(ctx)
			})
		},
	}
	s.flags(cmd.Flags())
	cmd.Flags().StringVar(&buildID, "build-id", "", "build id for Temporal's worker versioning; empty: unversioned")
	return cmd
}
