package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// DefaultPatience is how long a call is repeated while the server is away: long enough for it to restart.
const DefaultPatience = 2 * time.Minute

// Bounds of the pause before a call is repeated.
const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// Client calls one server with one key. It is safe for concurrent use.
type Client struct {
	Patience time.Duration // how long a call is repeated while the server is away; set before the first call

	base string
	key  string
	http *http.Client
}

// New returns a client of the server at baseURL, such as http://localhost:8420.
func New(baseURL, key string) *Client {
	return &Client{
		Patience: DefaultPatience, base: strings.TrimRight(baseURL, "/"), key: key,
		http: &http.Client{Timeout: time.Minute},
	}
}

// Error is a problem that the server answered with. Its text is the problem's sentence and what to do next.
type Error struct{ api.Problem }

// Error is the sentence, every mistake with its place, and what to do next.
func (e *Error) Error() string {
	parts := []string{e.Detail}
	if len(e.Errors) > 1 {
		for _, located := range e.Errors {
			parts = append(parts, located.Location+": "+located.Message+".")
		}
	}
	if e.Next != "" {
		parts = append(parts, e.Next)
	}
	if e.Status >= http.StatusInternalServerError && e.RequestID != "" {
		parts = append(parts, "(request "+e.RequestID+")")
	}
	return strings.Join(parts, " ")
}

// do sends the call, and again as long as that makes sense.
func (c *Client) do(ctx context.Context, call *call) (err error) {
	if call.given != nil {
		if call.body, err = json.Marshal(call.given); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	deadline := time.Now().Add(c.Patience)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		again, wait, err := c.try(ctx, call)
		if err == nil || !again || ctx.Err() != nil {
			return err
		}
		wait = max(wait, pause/2+rand.N(pause)) //nolint:gosec // jitter
		if time.Now().Add(wait).After(deadline) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("call Rapport: %w", ctx.Err())
		}
	}
}

// try sends the call once, and tells whether and when it may be sent again.
func (c *Client) try(ctx context.Context, call *call) (again bool, wait time.Duration, err error) {
	response, err := c.send(ctx, call)
	if err != nil {
		return call.repeatable || notConnected(err), 0, unreachable(ctx, c.base, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return call.repeatable, 0, unreachable(ctx, c.base, err)
	}
	if response.StatusCode/100 == 2 {
		if call.out == nil || len(body) == 0 {
			return false, 0, nil
		}
		if raw, ok := call.out.(*[]byte); ok { // a file
			*raw = body
			return false, 0, nil
		}
		if err := json.Unmarshal(body, call.out); err != nil {
			return false, 0, fmt.Errorf("read the answer of %s: %w", call.path, err)
		}
		return false, 0, nil
	}
	switch response.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests: // nothing was done
		again = true
	case http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusInternalServerError: // of a proxy, or a mistake that may pass
		again = call.repeatable && response.StatusCode != http.StatusInternalServerError
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	return again, wait, problem(c.base, response, body)
}

func (c *Client) send(ctx context.Context, call *call) (*http.Response, error) {
	address := c.base + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.method, address, bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, call.header)
	if request.Header.Get("Content-Type") == "" && call.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	return c.http.Do(request)
}

// notConnected tells whether the request was certainly not sent.
func notConnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func unreachable(ctx context.Context, base string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("call Rapport: %w", ctx.Err())
	}
	return &crm.Error{
		Code: crm.CodeUnavailable, Message: "Rapport does not answer at " + base + ".",
		Next: "Start it with rapport up or rapport serve, or name another address with RAPPORT_URL.", Err: err,
	}
}

func problem(base string, response *http.Response, body []byte) error {
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Detail == "" {
		return fmt.Errorf("%s answered %s, which Rapport would not: check the address", base, response.Status)
	}
	p.Status = response.StatusCode
	return &Error{p}
}
