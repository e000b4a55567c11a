package sendgrid

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
)

// ReplayWindow is how far a webhook's timestamp may be from the present. SendGrid signs every attempt anew.
const ReplayWindow = 10 * time.Minute

// Why a webhook is not believed.
var (
	ErrSignature = errors.New("wrong signature")
	ErrReplay    = errors.New("timestamp outside the replay window")
)

// Verifier tells SendGrid's webhooks from everybody else's. Event Webhook and Inbound Parse (with a security policy) are
// signed alike. It must not be copied after its first use.
type Verifier struct {
	PublicKeys []string      // as SendGrid shows them: base64, with or without PEM lines. Several let one be replaced
	Window     time.Duration // how far the timestamp may be from now: see ReplayWindow. 0 turns that check off, for scaled time

	once sync.Once
	keys []*ecdsa.PublicKey
	err  error
}

// Check tells whether there are public keys that can be used.
func (v *Verifier) Check() error {
	v.once.Do(func() {
		if len(v.PublicKeys) == 0 {
			v.err = errors.New("read SendGrid public keys: there is none")
			return
		}
		for i, text := range v.PublicKeys {
			key, err := publicKey(text)
			if err != nil {
				v.keys, v.err = nil, fmt.Errorf("read SendGrid public key %d: %w", i+1, err)
				return
			}
			v.keys = append(v.keys, key)
		}
	})
	return v.err
}

func publicKey(text string) (*ecdsa.PublicKey, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, not an ECDSA key", key)
	}
	return ec, nil
}

// Verify checks the signature over the raw body and the age of the request. Its errors are ErrSignature, ErrReplay and those
// of Check.
func (v *Verifier) Verify(header http.Header, body []byte, now time.Time) error {
	if err := v.Check(); err != nil {
		return err
	}
	signature := header.Get(eventwebhook.VerificationHTTPHeader)
	timestamp := header.Get(eventwebhook.TimestampHTTPHeader)
	if !v.signed(body, signature, timestamp) {
		return ErrSignature
	}
	if v.Window == 0 {
		return nil
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > v.Window {
		return ErrReplay
	}
	return nil
}

func (v *Verifier) signed(body []byte, signature, timestamp string) bool {
	if signature == "" || timestamp == "" {
		return false
	}
	for _, key := range v.keys {
		// An error is a signature that is no signature at all: as wrong as one that does not fit.
		if ok, err := eventwebhook.VerifySignature(key, body, signature, timestamp); err == nil && ok {
			return true
		}
	}
	return false
}
