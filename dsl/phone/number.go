package phone

import (
	"errors"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Number is a telephone number with its country. The zero Number is none: it is no landline and tells no zone.
type Number struct {
	parsed *phonenumbers.PhoneNumber
}

// maxWritten bounds what is read as a number, in bytes. People write it with blanks, brackets and hyphens.
const maxWritten = 60

// Why a text is not a number, as the end of a sentence that names it.
var (
	ErrNoNumber  = errors.New("it is not a telephone number: write it with the country code, like +447700900123")
	ErrNoCountry = errors.New("it has no country code: write it like +447700900123, or give the country with it")
	ErrCode      = errors.New("it begins with a country code that does not exist: write it like +447700900123")
	ErrShort     = errors.New("it has too few digits for its country")
	ErrLong      = errors.New("it has too many digits for its country")
	ErrLocal     = errors.New("it has no area code")
	ErrExtension = errors.New("it has an extension: leave that out, or keep it in an attribute")
)

// Parse reads a number as people write it: +44 (0)7700 900-123, 0044 7700 900123, or with a country (ISO 3166-1, "" when it
// is not known) as it is dialled there. Its error is one of those above.
func Parse(text, country string) (Number, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxWritten {
		return Number{}, ErrNoNumber
	}
	country = strings.ToUpper(country)
	n, err := parse(text, country)
	if digits, abroad := strings.CutPrefix(text, "00"); err != nil && abroad { // of most countries, and no number begins with it
		return parse("+"+digits, country)
	}
	return n, err
}

func parse(text, country string) (Number, error) {
	n, err := phonenumbers.Parse(text, country)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode) && strings.HasPrefix(text, "+"):
		return Number{}, ErrCode
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return Number{}, ErrNoCountry
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return Number{}, ErrLong
	case err != nil:
		return Number{}, ErrNoNumber
	case n.GetExtension() != "":
		return Number{}, ErrExtension
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.IS_POSSIBLE:
		return Number{n}, nil
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return Number{}, ErrLocal
	case phonenumbers.TOO_SHORT:
		return Number{}, ErrShort
	case phonenumbers.TOO_LONG:
		return Number{}, ErrLong
	case phonenumbers.INVALID_COUNTRY_CODE, phonenumbers.INVALID_LENGTH:
	}
	return Number{}, ErrNoNumber
}

// String returns the number in the form of ITU-T E.164, "" for none.
func (n Number) String() string {
	if n.parsed == nil {
		return ""
	}
	return phonenumbers.Format(n.parsed, phonenumbers.E164)
}

// Landline tells whether the number is known to belong to no mobile phone: to a landline, or to a service such as a toll-free
// line. Where mobile and fixed numbers look alike, as in North America, it is false.
func (n Number) Landline() bool {
	if n.parsed == nil {
		return false
	}
	switch phonenumbers.GetNumberType(n.parsed) {
	case phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return true
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UNKNOWN:
	}
	return false
}
