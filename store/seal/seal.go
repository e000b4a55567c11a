package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// A sealed secret is a version, the name of the key, and what cipher.NewGCMWithRandomNonce makes: nonce, text and tag.
const (
	version  = 1
	nameSize = 4
	header   = 1 + nameSize
)

// Keys seal and open. The zero value has no key: it can do neither.
type Keys struct {
	keys []key // the first one seals; all of them open
}

type key struct {
	name [nameSize]byte // tells keys apart; nothing follows from it
	aead cipher.AEAD
}

var (
	// ErrNoKey says that there is no key at all.
	ErrNoKey = errors.New("no seal key is set")
	// ErrOpen says that none of the keys opens it, or that it is not what was sealed for this place.
	ErrOpen = errors.New("no seal key opens it")
)

// Parse reads keys as base64 of 32 bytes: the one that seals, and older ones that only open. Empty texts are left out.
func Parse(current string, older ...string) (Keys, error) {
	var k Keys
	if current == "" && slices.ContainsFunc(older, func(text string) bool { return text != "" }) {
		return k, errors.New("there is an old seal key and no present one")
	}
	for _, text := range append([]string{current}, older...) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != KeySize {
			return Keys{}, fmt.Errorf("a seal key is not the base64 of %d bytes: make one with `openssl rand -base64 %d`", KeySize, KeySize)
		}
		if err := k.add(raw); err != nil {
			return Keys{}, err
		}
	}
	return k, nil
}

// Make returns a new key, as Parse reads it.
func Make() string {
	var raw [KeySize]byte
	rand.Read(raw[:]) // documented never to fail
	return base64.StdEncoding.EncodeToString(raw[:])
}

func (k *Keys) add(raw []byte) error {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return fmt.Errorf("use seal key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return fmt.Errorf("use seal key: %w", err)
	}
	sum := sha256.Sum256(append([]byte("rapport seal key\x00"), raw...))
	k.keys = append(k.keys, key{name: [nameSize]byte(sum[:nameSize]), aead: aead})
	return nil
}

// Ready tells whether there is a key.
func (k *Keys) Ready() bool { return len(k.keys) > 0 }

// Seal seals a secret for a place, such as the id of its row. The error is ErrNoKey.
func (k *Keys) Seal(secret crm.Secret, place string) ([]byte, error) {
	if !k.Ready() {
		return nil, ErrNoKey
	}
	sealed := append([]byte{version}, k.keys[0].name[:]...)
	return k.keys[0].aead.Seal(sealed, nil, []byte(secret), bound(sealed, place)), nil //nolint:gosec // this cipher makes the nonce itself
}

// Open opens what was sealed for a place, with whichever key sealed it. The error is ErrNoKey or ErrOpen.
func (k *Keys) Open(sealed []byte, place string) (crm.Secret, error) {
	if !k.Ready() {
		return "", ErrNoKey
	}
	if len(sealed) < header || sealed[0] != version {
		return "", ErrOpen
	}
	head, rest := sealed[:header], sealed[header:]
	for _, key := range k.keys {
		if !bytes.Equal(key.name[:], head[1:]) {
			continue
		}
		if secret, err := key.aead.Open(nil, nil, rest, bound(head, place)); err == nil {
			return crm.Secret(secret), nil
		}
	}
	return "", ErrOpen
}

// Old tells whether it was sealed by another key than the one that seals now.
func (k *Keys) Old(sealed []byte) bool {
	return k.Ready() && (len(sealed) < header || !bytes.Equal(k.keys[0].name[:], sealed[1:header]))
}

// bound is what a sealed secret is bound to: its header and its place.
func bound(head []byte, place string) []byte { return append(slices.Clone(head), place...) }
