package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed SendGrid webhook.
const (
	headerSendGridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	headerSendGridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
	headerTwilioSignature   = "X-Twilio-Signature"
)

// GenerateKey makes a key on P-256, the curve that SendGrid signs webhooks with.
func GenerateKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate webhook key: %w", err)
	}
	return key, nil
}

// EncodeKey returns the key as a PEM file (PKCS #8), which ParseKey reads.
func EncodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode webhook key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads a private key as EncodeKey writes it. Keys that are not ECDSA are an error.
func ParseKey(data []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("parse webhook key: no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse webhook key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("parse webhook key: not an ECDSA key but %T", parsed)
	}
	return key, nil
}

// encodePublicKey returns the public half as SendGrid shows it: base64 of the DER encoding (PKIX).
func encodePublicKey(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("encode public webhook key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// signSendGrid adds SendGrid's two headers: ECDSA over SHA-256 of the timestamp, in Unix seconds, and the raw body.
func signSendGrid(header http.Header, key *ecdsa.PrivateKey, body []byte, at time.Time) error {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	digest := sha256.New()
	digest.Write([]byte(timestamp))
	digest.Write(body)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest.Sum(nil))
	if err != nil {
		return fmt.Errorf("sign SendGrid webhook: %w", err)
	}
	header.Set(headerSendGridTimestamp, timestamp)
	header.Set(headerSendGridSignature, base64.StdEncoding.EncodeToString(signature))
	return nil
}

// signTwilio adds Twilio's header: HMAC-SHA1, keyed with the auth token, over the URL and the sorted form parameters.
func signTwilio(header http.Header, token, target string, form url.Values) {
	var text strings.Builder
	text.WriteString(target)
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			text.WriteString(name + value)
		}
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text.String()))
	header.Set(headerTwilioSignature, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
