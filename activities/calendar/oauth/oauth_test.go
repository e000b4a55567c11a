package oauth_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
)

// kept is where tokens are kept.
type kept struct {
	mu     sync.Mutex
	tokens []oauth.Token
	err    error
}

func (k *kept) keep(_ context.Context, t oauth.Token) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.tokens = append(k.tokens, t)
	}
	return k.err
}

func wantFailure(t *testing.T, err error, kind calendar.Kind, code string) {
	t.Helper()
	failure, ok := errors.AsType[*calendar.Error](err)
	if !ok || failure.Kind != kind || failure.Code != code {
		t.Fatalf("error is %v; want %s (%s)", err, kind, code)
	}
	if text := failure.Error(); strings.Contains(text, "AADSTS") || strings.Contains(text, "@") {
		t.Errorf("error says too much: %s", text)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		app     *oauth.App
		scope   string // granted
		want    map[string]string
		missing bool
	}{
		"google": {
			app: oauth.Google("", "", ""), scope: "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.freebusy",
			want: map[string]string{"access_type": "offline", "prompt": "consent", "scope": "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.freebusy"},
		},
		"google, events unticked": {app: oauth.Google("", "", ""), scope: "https://www.googleapis.com/auth/calendar.freebusy", missing: true},
		"google, no scopes told":  {app: oauth.Google("", "", "")},
		"microsoft": {
			app: oauth.Microsoft("", "", "", ""), scope: "Calendars.ReadWrite",
			want: map[string]string{"prompt": "select_account", "scope": "https://graph.microsoft.com/Calendars.ReadWrite offline_access"},
		},
		"microsoft, scopes in full":    {app: oauth.Microsoft("", "", "", ""), scope: "openid https://graph.microsoft.com/Calendars.ReadWrite"},
		"microsoft, another scope":     {app: oauth.Microsoft("", "", "", ""), scope: "Calendars.Read", missing: true},
		"microsoft, an organization's": {app: oauth.Microsoft("example.com", "", "", ""), scope: "Calendars.ReadWrite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := calendartest.NewIssuer(t, 0)
			issuer.Scope = c.scope
			app := issuer.App(c.app)
			verifier := oauth.NewVerifier()
			values, code := issuer.Consent(t, app.AuthURL("the state", verifier))
			asked := map[string]string{
				"state": "the state", "response_type": "code", "code_challenge_method": "S256", "client_id": app.ClientID, "redirect_uri": app.RedirectURL,
			}
			maps.Copy(asked, c.want)
			for name, want := range asked {
				if got := values.Get(name); got != want {
					t.Errorf("%s is %q; want %q", name, got, want)
				}
			}
			if strings.Contains(values.Encode(), verifier) {
				t.Error("the verifier is told")
			}
			token, err := app.Exchange(t.Context(), code, verifier)
			if c.missing {
				wantFailure(t, err, calendar.Unauthorized, "scope_missing")
				return
			}
			if err != nil {
				t.Fatalf("exchange: %v", err)
			}
			access, err := app.Source(token, nil).Access(t.Context()) // nothing new to keep
			if err != nil || !issuer.Use(access) || token.Refresh == "" || time.Until(token.Expiry) < 50*time.Minute {
				t.Errorf("token is %+v, %v", token, err)
			}
		})
	}
}

func TestExchangeOfAnother(t *testing.T) {
	t.Parallel()
	issuer := calendartest.NewIssuer(t, 0)
	app := issuer.App(oauth.Google("", "", ""))
	_, code := issuer.Consent(t, app.AuthURL("s", oauth.NewVerifier()))
	_, err := app.Exchange(t.Context(), code, oauth.NewVerifier()) // somebody else's session
	wantFailure(t, err, calendar.Unauthorized, "invalid_grant")
	app.ClientSecret = "wrong"
	_, err = app.Exchange(t.Context(), code, "v")
	wantFailure(t, err, calendar.Refused, "invalid_client")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	issuer := calendartest.NewIssuer(t, 1)
	app := issuer.App(oauth.Microsoft("", "", "", ""))
	var where kept
	source := app.Source(issuer.Connected(), where.keep)
	var refresh []string
	for range 3 {
		access, err := source.Access(t.Context())
		if err != nil || !issuer.Use(access) || issuer.Use(access) {
			t.Fatalf("access is %q, %v; want it good for once", access, err)
		}
		source.Refuse("another") // is not the one in use
		source.Refuse(access)
	}
	for _, token := range where.tokens {
		refresh = append(refresh, token.Refresh)
	}
	if diff := cmp.Diff([]string{"refresh-1", "refresh-2", "refresh-3"}, refresh); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	// What was kept last goes on; what was kept before is worth nothing.
	if _, err := app.Source(where.tokens[2], where.keep).Access(t.Context()); err != nil {
		t.Errorf("from what was kept last: %v", err)
	}
	old := where.tokens[0]
	old.Expiry = time.Now().Add(30 * time.Second) // too soon
	_, err := app.Source(old, where.keep).Access(t.Context())
	wantFailure(t, err, calendar.Unauthorized, "invalid_grant")
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	issuer := calendartest.NewIssuer(t, 0)
	where := kept{err: errors.New("no room for ada@example.com")}
	source := issuer.App(oauth.Google("", "", "")).Source(issuer.Connected(), where.keep)
	for range 2 {
		_, err := source.Access(t.Context())
		wantFailure(t, err, calendar.Unavailable, "token_not_kept")
	}
	where.err = nil
	if _, err := source.Access(t.Context()); err != nil || len(where.tokens) != 1 || issuer.Issued() != 1 {
		t.Errorf("%d kept of %d, %v; want the first one kept", len(where.tokens), issuer.Issued(), err)
	}
}

func TestOneRefreshForAll(t *testing.T) {
	t.Parallel()
	issuer := calendartest.NewIssuer(t, 0)
	var where kept
	source := issuer.App(oauth.Google("", "", "")).Source(issuer.Connected(), where.keep)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := source.Access(t.Context()); err != nil {
				t.Errorf("access: %v", err)
			}
		})
	}
	all.Wait()
	if issuer.Issued() != 1 {
		t.Errorf("%d refreshes; want 1", issuer.Issued())
	}
}

func TestRefreshFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   calendar.Kind
		code   string
	}{
		"withdrawn":             {400, `{"error":"invalid_grant","error_description":"AADSTS50173: ada@example.com"}`, calendar.Unauthorized, "invalid_grant"},
		"a second factor":       {400, `{"error":"interaction_required"}`, calendar.Unauthorized, "interaction_required"},
		"another secret":        {401, `{"error":"invalid_client"}`, calendar.Refused, "invalid_client"},
		"asked too often":       {429, `{}`, calendar.Throttled, "token_http_429"},
		"in trouble":            {503, `<html>`, calendar.Unavailable, "token_http_503"},
		"in trouble, as a word": {500, `{"error":"temporarily_unavailable"}`, calendar.Unavailable, "temporarily_unavailable"},
		"not there":             {404, ``, calendar.Refused, "token_http_404"},
		"no token":              {200, `{}`, calendar.Unavailable, "token_no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(server.Close)
			app := oauth.Google("id", "secret", "https://rapport.example.com/")
			app.Endpoint = oauth2.Endpoint{TokenURL: server.URL, AuthStyle: oauth2.AuthStyleInParams}
			_, err := app.Source(oauth.Token{Refresh: "r"}, nil).Access(t.Context())
			wantFailure(t, err, c.kind, c.code)
			if failure, _ := errors.AsType[*calendar.Error](err); failure.Kind == calendar.Throttled && failure.RetryAfter != 20*time.Second {
				t.Errorf("try again after %s; want 20s", failure.RetryAfter)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		app := oauth.Google("id", "secret", "https://rapport.example.com/")
		app.Endpoint = oauth2.Endpoint{TokenURL: server.URL, AuthStyle: oauth2.AuthStyleInParams}
		_, err := app.Source(oauth.Token{Refresh: "r"}, nil).Access(t.Context())
		wantFailure(t, err, calendar.Unavailable, "token_no_answer")
		_, err = app.Source(oauth.Token{}, nil).Access(t.Context())
		wantFailure(t, err, calendar.Unauthorized, "no_refresh_token")
	})
}
