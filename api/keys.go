package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Key is an API key without its secret.
type Key struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Scopes     []string  `json:"scopes"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"To the minute."`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// NewKey is what a key is made from.
type NewKey struct {
	Name   string   `json:"name" minLength:"1" maxLength:"100" doc:"Who uses it." example:"greenhouse"`
	Scopes []string `json:"scopes" minItems:"1" enum:"admin,events:read,events:write,candidates:read,candidates:write,definitions:read,definitions:write,enrollments:read,enrollments:write,notes:read,notes:write,interviewers:read,interviewers:write,privacy:read,privacy:write" doc:"What it may be used for; admin means all."`
}

// CreatedKey is a new key with its secret.
type CreatedKey struct {
	ID     string `json:"id"`
	Secret string `json:"secret" doc:"The key itself. It is shown this once and not kept."`
}

// KeyList is every key, revoked ones too.
type KeyList struct {
	Items []Key `json:"items"`
}

type body[T any] struct {
	Body T
}

func (s *server) registerKeys() {
	create := operation(http.MethodPost, "/v1/keys", "create-key", "Keys", ScopeAdmin, "Create an API key", "The secret is in the answer and nowhere else.")
	create.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, create, func(ctx context.Context, in *body[NewKey]) (*body[CreatedKey], error) {
		id, secret, err := s.Store.CreateKey(ctx, in.Body.Name, in.Body.Scopes, s.Now())
		if err != nil {
			return nil, problemOf(err)
		}
		return &body[CreatedKey]{Body: CreatedKey{ID: id, Secret: secret}}, nil
	})
	huma.Register(s.huma, operation(http.MethodGet, "/v1/keys", "list-keys", "Keys", ScopeAdmin, "List API keys", ""), s.listKeys)
	revoke := operation(http.MethodDelete, "/v1/keys/{id}", "revoke-key", "Keys", ScopeAdmin, "Revoke an API key",
		"It stops working at once, or after a few seconds on other servers.")
	huma.Register(s.huma, revoke, func(ctx context.Context, in *struct {
		ID string `path:"id"`
	},
	) (*struct{}, error) {
		if err := s.Store.RevokeKey(ctx, in.ID, s.Now()); err != nil {
			return nil, problemOf(err)
		}
		s.keys.forget()
		return nil, nil //nolint:nilnil // no content
	})
}

func (s *server) listKeys(ctx context.Context, _ *struct{}) (*body[KeyList], error) {
	keys, err := s.Store.ListKeys(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	list := KeyList{Items: make([]Key, len(keys))}
	for i, k := range keys {
		list.Items[i] = Key{ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt}
	}
	return &body[KeyList]{Body: list}, nil
}
