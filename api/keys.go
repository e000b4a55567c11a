package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
)

// Key is an API key without its secret.
type Key struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Scopes     []string  `json:"scopes"`
	Roles      []string  `json:"roles,omitempty" nullable:"false"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"To the minute."`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// NewKey is what a key is made from.
type NewKey struct {
	Name   string   `json:"name" minLength:"1" maxLength:"100" doc:"Who uses it." example:"greenhouse"`
	Scopes []string `json:"scopes,omitempty" nullable:"false" enum:"admin,events:read,events:write,candidates:read,candidates:write,definitions:read,definitions:write,enrollments:read,enrollments:write,notes:read,notes:write,interviewers:read,interviewers:write,privacy:read,privacy:write,audit:read" doc:"What it may be used for; admin means all."`
	Roles  []string `json:"roles,omitempty" nullable:"false" enum:"auditor,engineer,ops,privacy,recruiter" doc:"Bundles of scopes, which it has too. A key needs a scope or a role."`
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
	huma.Register(s.huma, changes(create, crm.AuditCreate, "key"), func(ctx context.Context, in *body[NewKey]) (*body[CreatedKey], error) {
		if len(in.Body.Scopes)+len(in.Body.Roles) == 0 {
			return nil, invalid("The key could not be used for anything.", "Give it scopes or roles.", Located{Location: "body.scopes", Message: "it is empty, and so is roles"})
		}
		id, secret, err := s.Store.CreateKeyWithRoles(ctx, in.Body.Name, in.Body.Scopes, in.Body.Roles, s.Now())
		if err != nil {
			return nil, problemOf(err)
		}
		return &body[CreatedKey]{Body: CreatedKey{ID: id, Secret: secret}}, nil
	})
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/keys", "list-keys", "Keys", ScopeAdmin, "List API keys", ""), "no candidates"), s.listKeys)
	revoke := operation(http.MethodDelete, "/v1/keys/{id}", "revoke-key", "Keys", ScopeAdmin, "Revoke an API key",
		"It stops working at once, or after a few seconds on other servers.")
	huma.Register(s.huma, changes(revoke, crm.AuditRemove, "key"), func(ctx context.Context, in *struct {
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
		list.Items[i] = Key{ID: k.ID, Name: k.Name, Scopes: k.Scopes, Roles: k.Roles, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt}
	}
	return &body[KeyList]{Body: list}, nil
}
