package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
)

const (
	maxBody    = 8 << 20 // bytes of an answer: a page of a thousand events has less than one megabyte
	maxTimeout = 30 * time.Second
)

// Tokens are the access tokens of one connected account. It is safe for concurrent use.
type Tokens interface {
	// Access returns a token to ask with. Errors are of the type *calendar.Error, or the context's own.
	Access(ctx context.Context) (string, error)
	// Refuse says that the provider did not take this token, so that Access gets another.
	Refuse(access string)
}

// Client asks one provider. It is safe for concurrent use.
type Client struct {
	Base    string       // what all paths begin with, without a slash at its end
	Tokens  Tokens       // of the account
	HTTP    *http.Client // nil is one with a timeout of 30 seconds; redirects are never followed
	Explain Explain      // what the provider's errors mean; nil is by status alone
}

// Explain tells what the body of an error means. An empty kind leaves it to the status. The code is one of our own words, never
// the provider's.
type Explain func(status int, body []byte) (kind calendar.Kind, code string)

// Request is what to ask.
type Request struct {
	Method string
	Path   string // escaped, below the base; or a whole URL below it, as a provider gives for the next page
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON; nil for none
}

// Do asks, and reads the answer into a value unless that is nil. It returns the status, or 0 when there was no answer. Errors are
// of the type *calendar.Error, or the context's own. A token that is refused is replaced once: what was asked has not been done
// then.
func (c *Client) Do(ctx context.Context, r Request, into any) (status int, err error) {
	for range 2 {
		var access string
		if access, err = c.Tokens.Access(ctx); err != nil {
			return 0, err
		}
		var body []byte
		var header http.Header
		if status, header, body, err = c.send(ctx, r, access); err != nil {
			return 0, err
		}
		if status == http.StatusUnauthorized {
			c.Tokens.Refuse(access)
			err = c.failure(status, header, body)
			continue
		}
		if status < 200 || status > 299 {
			return status, c.failure(status, header, body)
		}
		if into == nil {
			return status, nil
		}
		if json.Unmarshal(body, into) != nil {
			return status, &calendar.Error{Kind: calendar.Unavailable, Code: "not_json"}
		}
		return status, nil
	}
	return status, err
}

func (c *Client) send(ctx context.Context, r Request, access string) (int, http.Header, []byte, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+access)
	client := http.Client{Timeout: maxTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, nil, noAnswer(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return 0, nil, nil, noAnswer(ctx, err)
	}
	if len(body) > maxBody {
		return 0, nil, nil, &calendar.Error{Kind: calendar.Unreadable, Code: "too_large"}
	}
	return res.StatusCode, res.Header, body, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	target := r.Path
	switch {
	case strings.HasPrefix(target, "/"):
		target = c.Base + target
	case !strings.HasPrefix(target, c.Base+"/"): // the token is for the provider alone
		return nil, &calendar.Error{Kind: calendar.Unreadable, Code: "foreign_page"}
	}
	if len(r.Query) > 0 { // a plus is a space in forms, and not everywhere in OData
		target += "?" + strings.ReplaceAll(r.Query.Encode(), "+", "%20")
	}
	var body io.Reader
	if r.Body != nil {
		data, err := json.Marshal(r.Body)
		if err != nil {
			return nil, &calendar.Error{Kind: calendar.Refused, Code: "bad_request"}
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, &calendar.Error{Kind: calendar.Refused, Code: "bad_address"}
	}
	maps.Copy(req.Header, r.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	return req, nil
}

func noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return &calendar.Error{Kind: calendar.Unavailable, Code: "timeout"}
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "no_answer"}
}
