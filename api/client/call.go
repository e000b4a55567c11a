package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/api"
)

// call is one request, which may be sent several times.
type call struct {
	method, path string
	query        url.Values
	header       http.Header
	given        any // goes as JSON; nil: nothing goes
	body         []byte
	out          any  // where a JSON answer goes, or with a *[]byte any; nil: nowhere
	repeatable   bool // sending it twice is the same as sending it once
}

// get asks for an answer.
func get[Out any](ctx context.Context, c *Client, path string, query url.Values) (out Out, err error) {
	err = c.do(ctx, &call{method: http.MethodGet, path: path, query: query, out: &out, repeatable: true})
	return out, err
}

// list asks for all there is.
func list[Item any](ctx context.Context, c *Client, path string, query url.Values) ([]Item, error) {
	page, err := get[api.Page[Item]](ctx, c, path, query)
	return page.Items, err
}

// post has something done once: it is not sent again when no answer comes.
func post[Out any](ctx context.Context, c *Client, path string, given any) (out Out, err error) {
	err = c.do(ctx, &call{method: http.MethodPost, path: path, given: given, out: &out})
	return out, err
}

// change sends what is the same when it is sent twice.
func change[Out any](ctx context.Context, c *Client, method, path string, query url.Values, given any) (out Out, err error) {
	err = c.do(ctx, &call{method: method, path: path, query: query, given: given, out: &out, repeatable: true})
	return out, err
}

// path is that of an endpoint, from parts of which some are names that somebody has chosen.
func path(parts ...string) string {
	var made strings.Builder
	made.WriteString("/v1")
	for _, part := range parts {
		made.WriteString("/" + url.PathEscape(part))
	}
	return made.String()
}

// where makes a query of names and values in turn, without the values that are empty.
func where(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// paging is where, for a page of a list: the one after a cursor, or the first.
func paging(limit int, after string, pairs ...string) url.Values {
	return where(append(pairs, "limit", number(limit), "after", after)...)
}

// number is a positive number in a query; others are left out.
func number(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// flag is something in a query that is or is left out.
func flag(set bool) string {
	if !set {
		return ""
	}
	return "true"
}

// keyed is the header that makes a call idempotent.
func keyed(key string) http.Header {
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return header
}
