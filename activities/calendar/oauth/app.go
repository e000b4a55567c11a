package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/endpoints"

	"github.com/rapport-crm/rapport/activities/calendar"
)

// App is Rapport as a provider knows it: what its operator registered there.
type App struct {
	ClientID     string
	ClientSecret string
	RedirectURL  string // where the owner comes back to; exactly as registered
	Endpoint     oauth2.Endpoint
	Scopes       []string     // what to ask for
	Needs        []string     // the scopes without which nothing works: owners may untick some
	Ask          []string     // more parameters of the question, as name, value, name, value
	HTTP         *http.Client // nil is one with a timeout of 30 seconds
}

// Token is what is kept of a connected account. It is a secret.
type Token struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Expiry  time.Time `json:"expiry"` // of Access; zero if it is not known
}

// Google asks for two scopes. calendar.events is to see busy times and to put interviews; calendar.freebusy is for calendars that
// are shared with the owner for free and busy only. Neither allows to change calendars, to share them, or to read settings.
//
// The parameters are those of "Using OAuth 2.0 for Web Server Applications": offline for a refresh token, and consent to get one
// each time somebody connects again, not just the first time.
func Google(clientID, clientSecret, redirectURL string) *App {
	const events = "https://www.googleapis.com/auth/calendar.events"
	return &App{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Endpoint: endpoints.Google,
		Scopes: []string{events, "https://www.googleapis.com/auth/calendar.freebusy"},
		Needs:  []string{events},
		Ask:    []string{"access_type", "offline", "prompt", "consent"},
	}
}

// Microsoft asks for two scopes. Calendars.ReadWrite is the least that creates events ("Create event", Permissions), and there is
// none for free and busy alone that does; offline_access is for a refresh token. The tenant is an organization's id or domain; ""
// lets accounts of any organization and personal ones connect.
func Microsoft(tenant, clientID, clientSecret, redirectURL string) *App {
	return &App{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Endpoint: endpoints.AzureAD(tenant),
		Scopes: []string{"https://graph.microsoft.com/Calendars.ReadWrite", "offline_access"},
		Needs:  []string{"Calendars.ReadWrite"}, // how the answer names it, with or without the address
		Ask:    []string{"prompt", "select_account"},
	}
}

// NewVerifier returns a new secret of PKCE. The caller keeps it beside the state until the owner comes back.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// Challenge is what a secret of PKCE answers (RFC 7636, 4.2): whoever sees it cannot tell the secret.
func Challenge(verifier string) string { return oauth2.S256ChallengeFromVerifier(verifier) }

// For is the app with a question for one owner: providers choose the account with that email address, if the owner has several.
func (a *App) For(email string) *App {
	asking := *a
	asking.Ask = append(slices.Clone(a.Ask), "login_hint", email)
	return &asking
}

// AuthURL is where to send the owner. The state comes back unchanged: it must be unguessable, and belong to the owner's session.
func (a *App) AuthURL(state, verifier string) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for pair := range slices.Chunk(a.Ask, 2) {
		options = append(options, oauth2.SetAuthURLParam(pair[0], pair[1]))
	}
	return a.config().AuthCodeURL(state, options...)
}

// Exchange changes the code for a token that the caller has to keep. Errors are of the type *calendar.Error: Unauthorized says
// that the owner has to begin again, and then perhaps to tick all that is asked for.
func (a *App) Exchange(ctx context.Context, code, verifier string) (Token, error) {
	token, err := a.config().Exchange(a.context(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Token{}, failure(ctx, err)
	}
	if token.RefreshToken == "" {
		return Token{}, &calendar.Error{Kind: calendar.Unauthorized, Code: "no_refresh_token"}
	}
	// Without the parameter, what was asked for was granted (RFC 6749, 5.1).
	if granted, ok := token.Extra("scope").(string); ok && granted != "" && !includes(strings.Fields(granted), a.Needs) {
		return Token{}, &calendar.Error{Kind: calendar.Unauthorized, Code: "scope_missing"}
	}
	return kept(token), nil
}

func includes(granted, needed []string) bool {
	for _, need := range needed {
		if !slices.ContainsFunc(granted, func(g string) bool { return g == need || strings.HasSuffix(g, "/"+need) }) {
			return false
		}
	}
	return true
}

func (a *App) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURL: a.RedirectURL, Endpoint: a.Endpoint, Scopes: a.Scopes,
	}
}

func (a *App) context(ctx context.Context) context.Context {
	client := a.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	return context.WithValue(ctx, oauth2.HTTPClient, client)
}

func kept(t *oauth2.Token) Token {
	return Token{Access: t.AccessToken, Refresh: t.RefreshToken, Expiry: t.Expiry}
}
