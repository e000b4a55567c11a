package api

import (
	"cmp"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phone"
)

// fieldPhone is where a telephone number is.
const fieldPhone = "phone"

// Bounds of a candidate's fields.
const (
	maxField = 1000 // bytes of a text
	maxList  = 200  // items of a list
)

// checkCandidate returns everything that is wrong with a candidate's fields. Empty fields are not known, which is fine. A
// phone number becomes what is stored of it: E.164, whatever form it came in.
func checkCandidate(in *CandidateInput) []Located {
	c := checker{}
	for name, text := range map[string]string{
		"external_id": in.ExternalID, "first_name": in.FirstName, "last_name": in.LastName, "region": in.Region, "city": in.City,
		"status": in.Status, "source": in.Source, "seniority": in.Seniority,
	} {
		c.text(name, text)
	}
	c.field("email", in.Email, isEmail, "it is not an email address")
	c.field("owner", in.Owner, isEmail, "it is not an email address: the owner is named by theirs")
	c.field("country", in.Country, isCountry, "it is not a country like GB (ISO 3166-1)")
	c.phone(in)
	c.field("time_zone", in.TimeZone, isZone, "it is not a time zone like Europe/London (IANA)")
	c.field("locale", in.Locale, isLocale, "it is not a language tag like en-GB (BCP 47)")
	c.list("functions", in.Functions)
	c.list("skills", in.Skills)
	c.list("tags", in.Tags)
	if storable(in.Attributes, 0) != nil {
		c.add("attributes", "it is nested too deep or holds a NUL character")
	}
	for i := range in.Consents {
		c.consent(fmt.Sprintf("consents[%d]", i), &in.Consents[i])
	}
	return c.found
}

type checker struct{ found []Located }

func (c *checker) add(field, message string) {
	c.found = append(c.found, Located{Location: field, Message: message})
}

func (c *checker) text(field, text string) {
	if len(text) > maxField {
		c.add(field, fmt.Sprintf("it is longer than %d bytes", maxField))
	}
	if strings.ContainsRune(text, 0) {
		c.add(field, "it holds a NUL character")
	}
}

func (c *checker) field(field, text string, valid func(string) bool, message string) {
	if text != "" && (len(text) > maxField || !valid(text)) {
		c.add(field, message)
	}
}

// phone reads the number, which may be written as it is dialled in the country that comes with it, else in the candidate's.
func (c *checker) phone(in *CandidateInput) {
	if in.Phone == "" {
		return
	}
	number, err := phone.Parse(in.Phone, cmp.Or(in.Country, in.stored))
	if err != nil {
		c.add(fieldPhone, err.Error())
		return
	}
	in.Phone = number.String()
}

func (c *checker) list(field string, items []string) {
	if len(items) > maxList {
		c.add(field, fmt.Sprintf("it has more than %d items", maxList))
		return
	}
	for i, item := range items {
		c.text(fmt.Sprintf("%s[%d]", field, i), item)
	}
}

func (c *checker) consent(field string, consent *ConsentInput) {
	c.text(field+".source", consent.Source)
	if len(consent.Wording) > 10*maxField || strings.ContainsRune(consent.Wording, 0) {
		c.add(field+".wording", fmt.Sprintf("it is longer than %d bytes or holds a NUL character", 10*maxField))
	}
	if consent.Purpose == "" || consent.Purpose == crm.PurposeTransactional || !isName(consent.Purpose) {
		c.add(field+".purpose", "it is not the name of a purpose, such as talent-community")
	}
	for i, channel := range consent.Channels {
		if channel != crm.Email && channel != crm.SMS {
			c.add(fmt.Sprintf("%s.channels[%d]", field, i), "it is neither email nor sms")
		}
	}
}

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text && len(text) <= 254 && !strings.ContainsRune(text, 0)
}

func isCountry(text string) bool {
	if len(text) != 2 || strings.ToUpper(text) != text {
		return false
	}
	region, err := language.ParseRegion(text)
	return err == nil && region.IsCountry()
}

func isZone(text string) bool {
	if text == "Local" || strings.ContainsRune(text, 0) {
		return false
	}
	_, err := time.LoadLocation(text)
	return err == nil
}

func isLocale(text string) bool {
	_, err := language.Parse(text)
	return err == nil && !strings.Contains(text, "_")
}

// isName checks the form of a name in the definition language: lower-case words joined by hyphens.
func isName(text string) bool {
	return text != "" && len(text) <= 200 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
