package twilio

import (
	"errors"
	"net/http"
	"strings"

	"github.com/twilio/twilio-go/client"
)

// SignatureHeader carries the signature of a webhook.
const SignatureHeader = "X-Twilio-Signature"

// ErrSignature is why a webhook is not believed.
var ErrSignature = errors.New("wrong signature")

// Verifier tells Twilio's webhooks from everybody else's.
type Verifier struct {
	AuthToken string // of the account
	PublicURL string // where Twilio reaches this installation, such as https://rapport.example: scheme, host and maybe a path
}

// Verify checks the signature over the public address that Twilio called and the fields of the raw form body. requestURI is
// the path and the query as they came in. Twilio signs no time: what it reports is made idempotent by its ids.
func (v *Verifier) Verify(header http.Header, requestURI string, body []byte) error {
	signature := header.Get(SignatureHeader)
	if v.AuthToken == "" || signature == "" {
		return ErrSignature
	}
	validator := client.NewRequestValidator(v.AuthToken)
	if !validator.ValidateBody(strings.TrimRight(v.PublicURL, "/")+requestURI, body, signature) {
		return ErrSignature
	}
	return nil
}
