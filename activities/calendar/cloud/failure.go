package cloud

import (
	"net/http"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// failure takes what the provider says over what its status says. With a token that is good, a 403 is about this calendar.
func (c *Client) failure(status int, header http.Header, body []byte) error {
	failure := remote.Failure(&remote.Answer{Status: status, Header: header})
	if status == http.StatusForbidden {
		failure.Kind = calendar.ReadOnly
	}
	if c.Explain != nil {
		if kind, code := c.Explain(status, body); kind != "" {
			failure.Kind, failure.Code = kind, code
		}
	}
	return failure
}
