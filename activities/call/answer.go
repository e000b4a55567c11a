package call

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// Why a call failed. A refusal by the host is status_ and its status. The last four are reasons of a crm.CallError.
const (
	ReasonBadMethod        = "bad_method"         // not one of GET, HEAD, POST, PUT, PATCH, DELETE
	ReasonBadURL           = "bad_url"            // cannot be read, or names a user
	ReasonBadScheme        = "bad_scheme"         // not https
	ReasonBadHeader        = "bad_header"         // cannot be sent, is there twice, or is not for a step to set
	ReasonBadKey           = "bad_key"            // no idempotency key
	ReasonNoSecret         = "no_secret"          // the operator set no such secret
	ReasonNoATS            = "no_ats"             // the operator set no applicant tracking system
	ReasonHostNotAllowed   = "host_not_allowed"   // not on the operator's list, with this port
	ReasonPrivateAddress   = "private_address"    // the host is at an address that is not public
	ReasonTooManyRedirects = "too_many_redirects" // more than MaxRedirects
	ReasonTooLarge         = "too_large"          // the answer has more than MaxAnswer bytes
	ReasonInvalidJSON      = "invalid_json"       // the answer says it is JSON and is not, or it is deeper than MaxDepth

	ReasonTimeout     = "timeout"     // no answer in time, or only a part of it
	ReasonDNS         = "dns"         // the name has no address
	ReasonCertificate = "certificate" // the host did not prove who it is
	ReasonConnection  = "connection"  // any other trouble on the way
)

func failed(reason string) crm.CallResult {
	return crm.CallResult{Outcome: crm.CallFailed, Reason: reason}
}

// answer reads what an answer that is no redirect means.
func answer(host string, resp *http.Response) (crm.CallResult, error) {
	status := "status_" + strconv.Itoa(resp.StatusCode)
	switch {
	case resp.StatusCode/100 == 2:
		return content(resp)
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests,
		resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode == http.StatusTooEarly:
		return crm.CallResult{}, &crm.CallError{
			Host: host, Reason: status, RetryAfter: provider.RetryAfter(resp.Header, time.Now()),
		}
	}
	return failed(status), nil
}

// content reads the answer of a call that the host took. Only JSON is kept; an empty body is fine.
func content(resp *http.Response) (crm.CallResult, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return crm.CallResult{}, err
	}
	if len(body) > MaxAnswer {
		return failed(ReasonTooLarge), nil
	}
	result := crm.CallResult{Outcome: crm.CallOK}
	if len(bytes.TrimSpace(body)) == 0 || !isJSON(resp.Header.Get("Content-Type")) {
		return result, nil
	}
	if err := json.Unmarshal(body, &result.Result); err != nil || !keepable(result.Result, MaxDepth) {
		return failed(ReasonInvalidJSON), nil
	}
	return result, nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json"))
}

// keepable tells whether a value can be stored: it is no deeper than depth, and no text holds a NUL, which Postgres refuses in JSON.
func keepable(value any, depth int) bool {
	switch v := value.(type) {
	case string:
		return !strings.Contains(v, "\x00")
	case []any:
		for _, item := range v {
			if !keepable(item, depth-1) {
				return false
			}
		}
		return depth > 0
	case map[string]any:
		for key, item := range v {
			if !keepable(key, depth) || !keepable(item, depth-1) {
				return false
			}
		}
		return depth > 0
	}
	return true
}
