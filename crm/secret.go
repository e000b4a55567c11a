package crm

import "log/slog"

// Secret is a password or a token. Whatever prints, logs or encodes it shows that there is one, and nothing else:
// string(secret) is the only way to it.
type Secret string

// redacted stands for a secret where people look.
const redacted = "(secret)"

// String hides it, for %s, %v and %q.
func (s Secret) String() string { return s.hidden() }

// GoString hides it, for %#v.
func (s Secret) GoString() string { return s.hidden() }

// MarshalText hides it, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

// LogValue hides it, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }

func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return redacted
}
