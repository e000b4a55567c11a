package calendartest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rapport-crm/rapport/activities/calendar/oauth"
)

// Issuer is a token endpoint. Each refresh token is good for once, as Microsoft's may be, and each access token for so many uses.
type Issuer struct {
	Uses  int    // of an access token; 0 is any number
	Scope string // what is granted; "" is not told

	mu        sync.Mutex
	issued    int
	left      map[string]int // uses of each access token
	refresh   string         // the one that is good
	challenge string
	revoked   bool
	server    *httptest.Server
}

const (
	clientID = "client"
	secret   = "s3cret&more"
	redirect = "https://rapport.example.com/calendars/connected"
	code     = "the code/+"
)

// NewIssuer starts it.
func NewIssuer(t *testing.T, uses int) *Issuer {
	t.Helper()
	i := &Issuer{Uses: uses, left: map[string]int{}}
	i.server = httptest.NewServer(i)
	t.Cleanup(i.server.Close)
	return i
}

// Close has it answer no more.
func (i *Issuer) Close() { i.server.Close() }

// App asks this issuer for tokens instead of the provider's.
func (i *Issuer) App(app *oauth.App) *oauth.App {
	app.ClientID, app.ClientSecret, app.RedirectURL = clientID, secret, redirect
	app.Endpoint = oauth2.Endpoint{AuthURL: i.server.URL + "/authorize", TokenURL: i.server.URL + "/token", AuthStyle: oauth2.AuthStyleInParams}
	return app
}

// Connected is a token as if the owner had just consented.
func (i *Issuer) Connected() oauth.Token {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refresh = "refresh-0"
	return oauth.Token{Refresh: i.refresh}
}

// Revoke withdraws the consent.
func (i *Issuer) Revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked, i.left = true, map[string]int{}
}

// Consent follows the address that the owner is sent to, and returns the code that they come back with.
func (i *Issuer) Consent(t *testing.T, address string) (values url.Values, consented string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("parse address: %v", err)
	}
	values = u.Query()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.challenge = values.Get("code_challenge")
	return values, code
}

// Use tells whether an access token is good, and uses it.
func (i *Issuer) Use(access string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	left, ok := i.left[access]
	if !ok || i.Uses > 0 && left == 0 {
		return false
	}
	i.left[access] = left - 1
	return true
}

// Issued is how many tokens there were.
func (i *Issuer) Issued() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

// ServeHTTP is the token endpoint (RFC 6749, 3.2).
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if problem := i.check(r); problem != "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": problem, "error_description": "AADSTS50173: ada@example.com withdrew the consent."})
		return
	}
	i.issued++
	access := fmt.Sprintf("access-%d", i.issued)
	i.refresh, i.left[access] = fmt.Sprintf("refresh-%d", i.issued), i.Uses
	token := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": i.refresh}
	if i.Scope != "" {
		token["scope"] = i.Scope
	}
	answer(w, http.StatusOK, token)
}

func (i *Issuer) check(r *http.Request) string {
	form := r.PostFormValue
	switch {
	case r.Method != http.MethodPost, r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return "invalid_request"
	case form("client_id") != clientID, form("client_secret") != secret:
		return "invalid_client"
	case i.revoked:
		return "invalid_grant"
	}
	switch form("grant_type") {
	case "refresh_token":
		if form("refresh_token") != i.refresh || i.refresh == "" {
			return "invalid_grant"
		}
	case "authorization_code":
		sum := sha256.Sum256([]byte(form("code_verifier")))
		if form("code") != code || form("redirect_uri") != redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != i.challenge {
			return "invalid_grant"
		}
		i.challenge = "used" // a code is good for once (RFC 6749, 4.1.2)
	default:
		return "unsupported_grant_type"
	}
	return ""
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // of texts and numbers
}
