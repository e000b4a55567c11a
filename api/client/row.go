package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl/phone"
)

// item makes a candidate of a row. What the server can judge is left to the server.
func (im *importer) item(row record) (json.RawMessage, error) {
	if row.err != nil {
		return nil, row.err
	}
	for len(row.fields) > len(im.columns) && strings.TrimSpace(row.fields[len(row.fields)-1]) == "" {
		row.fields = row.fields[:len(row.fields)-1]
	}
	if len(row.fields) != len(im.columns) {
		return nil, fmt.Errorf("it has %d fields and the first row has %d: is a comma not quoted?", len(row.fields), len(im.columns))
	}
	candidate, cells := map[string]any{}, map[string]string{}
	for i, field := range im.columns {
		cell := strings.TrimSpace(row.fields[i])
		if field == "" || cell == "" {
			continue
		}
		cells[field] = cell
		if err := set(candidate, field, cell); err != nil {
			return nil, err
		}
	}
	if cell := cells["phone"]; cell != "" {
		number, err := phone.Parse(cell, cmp.Or(cells["country"], im.opts.Country))
		switch {
		case err == nil:
			candidate["phone"] = number.String() // it identifies a candidate however it is written
		case candidate["external_id"] == nil && candidate["email"] == nil:
			return nil, fmt.Errorf("phone: %w", err)
		default: // the server says why it cannot be read, beside all else that is wrong with the row
			candidate["phone"] = cell
		}
	}
	if err := identify(candidate); err != nil {
		return nil, err
	}
	if err := addConsents(candidate, cells); err != nil {
		return nil, err
	}
	return json.Marshal(candidate)
}

func set(candidate map[string]any, field, cell string) error {
	switch field {
	case columnConsents, columnConsentedAt, columnConsentWording, columnConsentSource: // see addConsents
	case "functions", "skills", "tags":
		candidate[field] = items(cell)
	case "created_at", "last_activity_at", "last_decision_at":
		at, err := moment(cell)
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		candidate[field] = at
	case "legal_hold":
		hold, ok := map[string]bool{"true": true, "yes": true, "1": true, "false": false, "no": false, "0": false}[strings.ToLower(cell)]
		if !ok {
			return errors.New("legal_hold: it is neither true nor false")
		}
		candidate[field] = hold
	case "phone": // see number
	default:
		candidate[field] = cell
	}
	return nil
}

// identify gives a candidate without an external id one that is the same the next time.
func identify(candidate map[string]any) error {
	if candidate["external_id"] != nil {
		return nil
	}
	if email, ok := candidate["email"].(string); ok {
		candidate["external_id"] = "email:" + strings.ToLower(email)
		return nil
	}
	if phone, ok := candidate["phone"].(string); ok {
		candidate["external_id"] = "phone:" + phone
		return nil
	}
	return errors.New("it has neither an external id nor an email address nor a number")
}

func addConsents(candidate map[string]any, cells map[string]string) error {
	var consents []map[string]any
	source := cells[columnConsentSource]
	if source == "" {
		source = "import"
	}
	for _, named := range items(cells[columnConsents]) {
		purpose, channels, limited := strings.Cut(named, ":")
		consent := map[string]any{"purpose": strings.TrimSpace(purpose), "source": source}
		if limited {
			var list []string
			for channel := range strings.SplitSeq(channels, "+") {
				list = append(list, strings.ToLower(strings.TrimSpace(channel)))
			}
			consent["channels"] = list
		}
		if wording := cells[columnConsentWording]; wording != "" {
			consent["wording"] = wording
		}
		if given := cells[columnConsentedAt]; given != "" {
			at, err := moment(given)
			if err != nil {
				return fmt.Errorf("%s: %w", columnConsentedAt, err)
			}
			consent["at"] = at
		}
		consents = append(consents, consent)
	}
	if len(consents) > 0 {
		candidate["consents"] = consents
	}
	return nil
}

// items splits a list.
func items(cell string) []string {
	list := []string{}
	for _, item := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '|' }) {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// moment reads a time or a date, which is taken as midnight in UTC.
func moment(cell string) (string, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, cell); err == nil {
			return at.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return "", fmt.Errorf("%q is not a time like 2026-11-06T10:00:00Z or a date like 2026-11-06", cell)
}
