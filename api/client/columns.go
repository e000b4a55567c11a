package client

import (
	"fmt"
	"slices"
	"strings"
)

// Columns that are no fields of a candidate.
const (
	columnConsents       = "consents"
	columnConsentedAt    = "consented_at"
	columnConsentWording = "consent_wording"
	columnConsentSource  = "consent_source"
)

// columnNames are the words for each column, as squeeze leaves them. The first is the field's own name.
func columnNames() map[string][]string {
	return map[string][]string{
		"external_id": {"externalid", "id", "candidateid", "atsid"},
		"first_name":  {"firstname", "givenname", "forename"},
		"last_name":   {"lastname", "surname", "familyname"},
		"email":       {"email", "mail", "emailaddress"},
		"phone":       {"phone", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "telephone", "tel", "phonenumber"},
		"country":     {"country", "countrycode"}, "region": {"region", "state", "county", "province"}, "city": {"city", "town"},
		"time_zone": {"timezone", "tz"}, "locale": {"locale", "language"}, "status": {"status"}, "source": {"source"},
		"owner": {"owner", "owneremail", "recruiter", "recruiteremail"}, "seniority": {"seniority", "level"},
		"functions": {"functions", "function"}, "skills": {"skills", "skill"}, "tags": {"tags", "tag", "labels"},
		"legal_hold": {"legalhold"}, "created_at": {"createdat", "created"},
		"last_activity_at": {"lastactivityat", "lastactivity"}, "last_decision_at": {"lastdecisionat", "lastdecision"},
		columnConsents: {"consents", "consent"}, columnConsentedAt: {"consentedat", "consentdate"},
		columnConsentWording: {"consentwording"}, columnConsentSource: {"consentsource"},
	}
}

// squeeze takes out what does not matter in a column's name.
func squeeze(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "", ".", "", "\u00a0", "").Replace(strings.ToLower(strings.TrimSpace(name)))
}

// mapColumns finds the field of every column, "" for one that is not known. It fails when the table cannot be one of
// candidates, or two columns mean the same.
func mapColumns(header []string) (fields, unknown []string, err error) {
	if fields, unknown, err = findColumns(header, columnNames()); err != nil {
		return nil, nil, err
	}
	for _, identity := range []string{"external_id", "email", "phone"} {
		if slices.Contains(fields, identity) {
			return fields, unknown, nil
		}
	}
	return nil, nil, fmt.Errorf("the first row names none of external_id, email and phone, but %s: it must name the columns", strings.Join(header, ", "))
}

// findColumns finds the field of every column by the words for each, "" for one that is not known. It fails when two columns
// mean the same.
func findColumns(header []string, names map[string][]string) (fields, unknown []string, err error) {
	for _, column := range header {
		field := ""
		for candidate, words := range names {
			if slices.Contains(words, squeeze(column)) {
				field = candidate
			}
		}
		if field == "" && strings.TrimSpace(column) != "" {
			unknown = append(unknown, strings.TrimSpace(column))
		}
		if i := slices.Index(fields, field); i >= 0 && field != "" {
			return nil, nil, fmt.Errorf("columns %d (%s) and %d (%s) both mean %s: remove one of them", i+1, header[i], len(fields)+1, column, field)
		}
		fields = append(fields, field)
	}
	return fields, unknown, nil
}
