package call

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rapport-crm/rapport/crm"
)

// ATS says where the applicant tracking system is told of changes: mostly at what stands before it and knows its API. The
// operator names it, so that no definition can send the request anywhere else.
type ATS struct {
	// URL takes the requests. Without one there is no applicant tracking system to tell.
	URL string
	// Secret signs them by the Standard Webhooks specification: whsec_ and the base64 of 24 to 64 bytes.
	Secret string
	// Private lets it be at a loopback or private address, and over plain HTTP.
	Private bool
}

// How many bytes a secret has (Standard Webhooks, "Signature scheme").
const (
	minSecret = 24
	maxSecret = 64
)

// connector tells the applicant tracking system. It reaches no host but that one, and so has a client of its own.
type connector struct {
	client *Client
	url    string
	signer *standardwebhooks.Webhook
}

// newConnector returns nil where there is no applicant tracking system. Its errors do not quote the address, which may hold
// a token, nor the secret.
func newConnector(config Config) (*connector, error) {
	if config.ATS.URL == "" {
		return nil, nil
	}
	to, err := url.Parse(config.ATS.URL)
	if err != nil || to.Host == "" {
		return nil, errors.New("read address of the ATS: it is not an address of the web; write it as https://hooks.example.com/ats")
	}
	own := config
	own.ATS, own.Secrets, own.Hosts, own.AllowPrivate = ATS{}, nil, []string{to.Host}, config.ATS.Private
	client := New(own)
	switch _, reason := client.target(to); reason {
	case "":
	case ReasonBadScheme:
		return nil, errors.New("read address of the ATS: it begins with https://, unless it may be private")
	default:
		return nil, fmt.Errorf("read address of the ATS: %s; write it as https://hooks.example.com/ats", reason)
	}
	signer, err := signer(config.ATS.Secret)
	return &connector{client, config.ATS.URL, signer}, err
}

func signer(secret string) (*standardwebhooks.Webhook, error) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("read secret of the ATS: it is whsec_ and the base64 of %d to %d bytes, such as %s prints",
			minSecret, maxSecret, "`echo whsec_$(openssl rand -base64 32)`")
	}
	return standardwebhooks.NewWebhookRaw(key)
}

// tell does one attempt at telling the applicant tracking system. Each attempt has the same id and a signature of its own,
// since the time of sending is part of that.
func (c *connector) tell(ctx context.Context, r crm.Call) (crm.CallResult, error) {
	if c == nil {
		return failed(ReasonNoATS), nil
	}
	h, reason := c.client.first(crm.Call{Method: http.MethodPost, URL: c.url, Body: r.Body, Key: r.Key})
	if reason != "" {
		return failed(reason), nil
	}
	h.signer = c.signer
	return c.client.ask(ctx, h)
}

// sign adds the headers of the Standard Webhooks specification.
func (h *hop) sign(header http.Header, now time.Time) error {
	signature, err := h.signer.Sign(h.key, now, []byte(h.body))
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	header.Set(standardwebhooks.HeaderWebhookID, h.key)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
