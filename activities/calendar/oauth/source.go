package oauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// early is how long before its end an access token is no longer used: clocks differ, and requests take their time.
const early = time.Minute

// Source gives access tokens of one account, and gets new ones when they expire. It is safe for concurrent use.
type Source struct {
	app  *App
	keep func(context.Context, Token) error

	mu     sync.Mutex
	token  Token
	unkept bool // the token is newer than what was kept
}

// Source begins with the token that was kept last. Whenever there is a new one, it is handed to keep before it is used: providers
// may replace the refresh token each time, and the old one may be worth nothing then (Microsoft, "Refresh tokens in the Microsoft
// identity platform").
func (a *App) Source(token Token, keep func(context.Context, Token) error) *Source {
	return &Source{app: a, keep: keep, token: token}
}

// Access returns a token that is good for another minute at least, as far as anybody said. Errors are of the type *calendar.Error,
// or the context's own; Unauthorized says that the owner has to connect again.
func (s *Source) Access(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Access == "" || !s.token.Expiry.IsZero() && time.Until(s.token.Expiry) < early {
		if err := s.refresh(ctx); err != nil {
			return "", err
		}
	}
	if s.unkept {
		if err := s.keep(ctx, s.token); err != nil {
			return "", &calendar.Error{Kind: calendar.Unavailable, Code: "token_not_kept"}
		}
		s.unkept = false
	}
	return s.token.Access, nil
}

// Refuse says that the provider did not take this token, although it should have. One that is no longer in use is left alone:
// another request was faster.
func (s *Source) Refuse(access string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Access == access {
		s.token.Access = ""
	}
}

func (s *Source) refresh(ctx context.Context) error {
	if s.token.Refresh == "" {
		return &calendar.Error{Kind: calendar.Unauthorized, Code: "no_refresh_token"}
	}
	old := &oauth2.Token{RefreshToken: s.token.Refresh}
	token, err := s.app.config().TokenSource(s.app.context(ctx), old).Token()
	if err != nil {
		return failure(ctx, err)
	}
	s.token, s.unkept = kept(token), true // without a new refresh token, the old one stays
	return nil
}

// failure classifies what a token endpoint says (RFC 6749, 5.2). What it describes in words is left out: it may name the account.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &calendar.Error{Kind: calendar.Unavailable, Code: "token_no_answer"}
	}
	switch refused.ErrorCode {
	case "invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied":
		return &calendar.Error{Kind: calendar.Unauthorized, Code: refused.ErrorCode}
	case "invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope":
		return &calendar.Error{Kind: calendar.Refused, Code: refused.ErrorCode} // what the operator registered is not what we say
	case "temporarily_unavailable", "server_error":
		return &calendar.Error{Kind: calendar.Unavailable, Code: refused.ErrorCode}
	}
	e := &calendar.Error{Kind: calendar.Unavailable, Code: "token_unreadable"}
	if res := refused.Response; res != nil && (res.StatusCode < 200 || res.StatusCode > 299) {
		e = remote.Failure(&remote.Answer{Status: res.StatusCode, Header: res.Header})
		e.Code = "token_" + e.Code
		if !e.Retryable() {
			e.Kind = calendar.Refused
		}
	}
	return e
}
