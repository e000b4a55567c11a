package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal"
	"github.com/rapport-crm/rapport/deploy/local"
	"github.com/rapport-crm/rapport/deploy/service"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Run starts everything, prints where it is, and stops it in order when the context ends. The error, if it cannot start, is
// one sentence with what to do.
func Run(ctx context.Context, c Config) error {
	if c.TimeScale != 0 && c.TimeScale != 1 && (c.Providers.Real() || c.Calls.ATS.URL != "") {
		return errors.New("a time scale is for the sandbox only: with real accounts or a mail server real people would be written to at the wrong time, and a real ATS be told so; drop --time-scale, or the accounts, --email and --ats-url")
	}
	u := &up{Config: c, began: time.Now()}
	// What is started is stopped in reverse, whatever happens in between.
	defer func() {
		for _, stop := range slices.Backward(u.stops) {
			if err := stop(); err != nil {
				c.Log.ErrorContext(ctx, "not stopped cleanly", "error", err)
			}
		}
	}()
	if err := u.start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		u.say("\nStopping.\n")
		return nil
	case <-u.postgres.Done():
		return fmt.Errorf("postgres stopped unexpectedly; its log is %s", filepath.Join(c.Data, "postgres", "postgres.log"))
	}
}

// up is a running installation.
type up struct {
	Config
	began    time.Time
	stops    []func() error
	postgres *postgres.Server
	temporal *temporal.Server
	sandbox  *sandbox.Sandbox
	service  service.Config
	apiURL   string
	boxURL   string
	keyFile  string
}

func (u *up) say(format string, args ...any) { fmt.Fprintf(u.Out, format, args...) } // a closed terminal stops nothing

func (u *up) start(ctx context.Context) error {
	if err := u.prepareData(); err != nil {
		return err
	}
	api, err := u.listen(u.Ports.API, "the API", "--api-port")
	if err != nil {
		return err
	}
	u.apiURL = "http://" + api.Addr().String()
	box, err := u.listen(u.Ports.Sandbox, "the sandbox", "--sandbox-port")
	if err != nil {
		return err
	}
	u.boxURL = "http://" + box.Addr().String()
	for _, step := range []func(context.Context) error{u.startPostgres, u.startTemporal, u.openStore, u.openSandbox} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := u.startService(ctx, api); err != nil {
		return err
	}
	if u.sandbox != nil {
		u.serve(ctx, box, u.sandbox.Handler())
		u.background(ctx, "sandbox webhooks", u.sandbox.Run)
	} else if err := box.Close(); err != nil {
		return err
	}
	if err := u.announce(); err != nil {
		return err
	}
	if u.Demo {
		u.background(ctx, "demo", u.demo)
	}
	return nil
}

// prepareData makes the data folder and claims it for this process.
func (u *up) prepareData() error {
	dir, err := filepath.Abs(u.Data)
	if err != nil {
		return fmt.Errorf("find data folder: %w", err)
	}
	u.Data = dir
	// Postgres runs unprivileged when this process is root, so its user has to be able to pass through.
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the files inside are not readable by others
		return unusable(dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return unusable(dir, err)
	}
	u.stops = append(u.stops, lock.Close)
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another `rapport up` is running on the data folder %s; stop it, or choose another folder with --data", dir)
	}
	if _, err := lock.WriteString(strconv.Itoa(os.Getpid())); err != nil {
		return unusable(dir, err)
	}
	return nil
}

func unusable(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds the data folder %s is full; free some space or choose another folder with --data", dir)
	}
	return fmt.Errorf("the data folder %s cannot be used (%w); give the user who runs rapport write access to it or choose another with --data", dir, err)
}

// listen takes a port before anything slow begins, so that a busy one is said at once.
func (u *up) listen(port int, what, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // a local port is taken at once
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d, for %s, is in use by another program; stop that or choose another port with %s", port, what, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return l, nil
}

func (u *up) startPostgres(ctx context.Context) (err error) {
	u.postgres, err = postgres.Start(ctx, postgres.Config{
		Dir: filepath.Join(u.Data, "postgres"), Port: u.Ports.Postgres, Durable: true, Logger: u.Log,
	})
	if err != nil {
		return err
	}
	u.stops = append(u.stops, u.postgres.Stop)
	for _, name := range []string{"rapport", "sandbox"} {
		if err := u.postgres.CreateDatabase(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (u *up) startTemporal(ctx context.Context) (err error) {
	u.temporal, err = temporal.Start(ctx, temporal.Config{
		DSN: u.postgres.DSN("postgres"), FrontendPort: u.Ports.Temporal, UIPort: u.Ports.TemporalUI, Logger: u.Log,
	})
	if err != nil {
		return err
	}
	u.stops = append(u.stops, u.temporal.Stop)
	return nil
}

func (u *up) openStore(ctx context.Context) error {
	clock, err := scale(u.Data, max(u.TimeScale, 1), time.Now())
	if err != nil {
		return err
	}
	u.service.Scale = clock
	if !u.Seal.Ready() {
		if u.Seal, err = sealKeys(u.Data); err != nil {
			return err
		}
	}
	if u.Receipts == nil {
		if u.Receipts, err = receiptKey(u.Data); err != nil {
			return err
		}
	}
	dsn := u.postgres.DSN("rapport")
	if err := store.Migrate(ctx, dsn); err != nil {
		return fmt.Errorf("prepare database: %w", err)
	}
	s, err := store.Open(ctx, dsn, store.Options{
		Now: func() time.Time { return clock.Now(time.Now()) }, MaxConns: 48, Log: u.Log, Seal: u.Seal, Receipts: u.Receipts,
		Holding: (&dsl.Holding{}).Holds,
	})
	if err != nil {
		return err
	}
	u.stops = append(u.stops, func() error { s.Close(); return nil })
	u.service.Store = s
	return u.adminKey(ctx)
}

// adminKey makes sure that the key in the data folder opens the API.
func (u *up) adminKey(ctx context.Context) error {
	u.keyFile = filepath.Join(u.Data, local.KeyFile)
	raw, err := os.ReadFile(u.keyFile)
	if err == nil {
		if _, err = u.service.Store.KeyBySecret(ctx, strings.TrimSpace(string(raw))); err == nil {
			return nil
		}
		if code := crm.CodeOf(err); code != crm.CodeNotFound && code != crm.CodeInvalid {
			return fmt.Errorf("check admin key: %w", err)
		}
	}
	_, secret, err := u.service.Store.CreateKey(ctx, "rapport up", []string{"admin"}, u.service.Scale.Now(time.Now()))
	if err != nil {
		return fmt.Errorf("make admin key: %w", err)
	}
	return writeText(u.Data, local.KeyFile, secret+"\n")
}

// openSandbox opens the sandbox, unless there are real accounts.
func (u *up) openSandbox(ctx context.Context) error {
	u.service.Providers, u.service.Calls, u.service.Inbound, u.service.Calendars = u.Providers, u.Calls, u.Inbound, u.Calendars
	u.service.Tracking, u.service.ErasureLog = u.Tracking, cmp.Or(u.ErasureLog, filepath.Join(u.Data, local.ErasuresFile))
	if u.Providers.Real() {
		return nil
	}
	accounts := newAccounts()
	if err := keep(u.Data, "sandbox.json", &accounts); err != nil {
		return err
	}
	box, err := sandbox.New(ctx, sandbox.Config{
		DSN: u.postgres.DSN("sandbox"), APIKey: accounts.SendGridKey, AccountSID: accounts.TwilioAccount,
		AuthToken: accounts.TwilioToken, ATSSecret: accounts.ATSSecret, SMSNumbers: u.SMSNumbers, WebhookBase: u.apiURL, PublicURL: u.PublicURL, Logger: u.Log,
		Now: func() time.Time { return u.service.Scale.Now(time.Now()) },
	})
	if err != nil {
		return err
	}
	u.stops = append(u.stops, func() error { box.Close(); return nil })
	u.sandbox = box
	u.service.Providers = service.Providers{
		SendGridKey: accounts.SendGridKey, SendGridPublicKey: box.PublicKey(), SendGridURL: u.boxURL,
		TwilioAccount: accounts.TwilioAccount, TwilioToken: accounts.TwilioToken, TwilioURL: u.boxURL,
	}
	if u.service.Calls.ATS.URL == "" {
		u.service.Calls.ATS = call.ATS{URL: u.boxURL + "/ats", Secret: accounts.ATSSecret, Private: true}
	}
	return nil
}

// startService starts the API and the worker.
func (u *up) startService(ctx context.Context, api net.Listener) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: u.temporal.Address(), Namespace: u.temporal.Namespace(), Logger: log.NewStructuredLogger(u.Log),
	})
	if err != nil {
		return fmt.Errorf("reach temporal: %w", err)
	}
	u.stops = append(u.stops, func() error { c.Close(); return nil })
	u.service.Temporal, u.service.TemporalUI, u.service.Log = c, u.temporal.UIAddress(), u.Log
	u.service.PublicURL = u.PublicURL
	if u.PublicURL == "" {
		u.service.PublicURL = u.apiURL
	}
	if _, err := u.service.ReplayErasures(ctx); err != nil {
		return err
	}
	handler, err := service.API(ctx, u.service)
	if err != nil {
		return err
	}
	w, err := service.Worker(ctx, u.service)
	if err != nil {
		return err
	}
	u.background(ctx, "worker", w.Run)
	u.serve(ctx, api, handler)
	return nil
}

// serve answers HTTP requests until it is stopped, then finishes those under way.
func (u *up) serve(ctx context.Context, l net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	var done sync.WaitGroup
	done.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			u.Log.ErrorContext(ctx, "server stopped", "address", l.Addr().String(), "error", err)
		}
	})
	u.stops = append(u.stops, func() error {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := server.Shutdown(last)
		if errors.Is(err, context.DeadlineExceeded) { // a browser that keeps a request open does not keep us
			err = server.Close()
		}
		done.Wait()
		return err
	})
}

// background runs f until everything is stopped, and then waits for it.
func (u *up) background(ctx context.Context, name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			u.Log.ErrorContext(ctx, "part stopped", "part", name, "error", err)
		}
	})
	u.stops = append(u.stops, func() error {
		cancel()
		done.Wait()
		return nil
	})
}

// announce tells the person, and the commands of the same folder, where everything is.
func (u *up) announce() error {
	if err := write(u.Data, local.File, local.Address{URL: u.apiURL, PID: os.Getpid()}); err != nil {
		return err
	}
	u.stops = append(u.stops, func() error { return os.Remove(filepath.Join(u.Data, local.File)) })
	u.say("Rapport is ready (%.1f s).\n\n", time.Since(u.began).Seconds())
	u.say("  API           %s\n", u.apiURL)
	u.say("  API docs      %s/docs\n", u.apiURL)
	if u.sandbox != nil {
		u.say("  Sandbox inbox %s\n", u.boxURL)
	}
	u.say("  Temporal UI   %s\n", u.temporal.UIAddress())
	u.say("  Admin key     %s\n", u.keyFile)
	u.say("  Data          %s\n", u.Data)
	if u.service.Scale.Scaled() {
		u.say("  Clock         a day passes in %s\n", (24 * time.Hour / time.Duration(u.service.Scale.Factor)).Round(time.Millisecond))
	}
	u.say("\nCtrl-C stops it.\n")
	return nil
}
