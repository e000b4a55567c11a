package dsl

import (
	"fmt"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// Patterns of what a text can be. They are as strict as the parser, but for what a pattern cannot tell: whether a zone exists,
// or a number of days is too large. They are written in what Go and JavaScript understand alike.
const (
	clockPattern     = `([01][0-9]|2[0-3]):[0-5][0-9]`
	hoursPattern     = `^ *` + clockPattern + ` *- *(` + clockPattern + `|24:00) *$`
	zonePattern      = `^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`
	addressPattern   = `^[^@ ]+@[^@ ]+$`
	mailboxPattern   = `^([^@<> ]+@[^@<> ]+|[^<>]*<[^@<> ]+@[^@<> ]+>)$`
	countPattern     = `0*[1-9][0-9]*`
	percentPattern   = `^(100(\.0{1,2})?|0?[1-9][0-9]?(\.[0-9]{1,2})?|0{1,3}\.(0[1-9]|[1-9][0-9]?))%$`
	momentPattern    = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$`
	spanPattern      = `^ *[0-9]{4}-[0-9]{2}-[0-9]{2}( +` + clockPattern + ` *- *(` + clockPattern + `|24:00))? *$`
	attributePattern = `^attributes\.[^. ]+$`
	solidPattern     = `\S`
)

// pattern is the regular expression of a text of this form, or "" when there is none.
func (s shape) pattern() string {
	switch s.form { //nolint:exhaustive // the others always look the same
	case formDuration:
		return `^` + countPattern + `(` + strings.Join(s.unitWords(), "|") + `)$`
	case formDays:
		day := ` *(` + strings.Join(dayNames(), "|") + `) *`
		span := day + `(-` + day + `)?`
		return `^` + span + `(,` + span + `)*$`
	case formChoice:
		return `^(` + strings.Join(s.words, "|") + `)$`
	default:
		return patterns()[s.form]
	}
}

// patterns are those of forms that always look the same.
func patterns() map[form]string {
	return map[form]string{
		formName: namePattern.String(), formWord: wordPattern.String(), formPhone: phonePattern.String(),
		formLocale: localePattern.String(), formEvent: customPattern.String(), formCustom: customPattern.String(),
		formLimit: `^` + countPattern + `/` + countPattern + `(s|m|h|d|w)$`, formClock: `^ *` + clockPattern + ` *$`,
		formShare: percentPattern, formHours: hoursPattern, formMoment: momentPattern, formSpan: spanPattern, formZone: zonePattern,
		formAddress: addressPattern, formPrice: pricePattern, formMailbox: mailboxPattern, formAttribute: attributePattern, formCountry: countryPattern.String(),
		formText: solidPattern, formString: solidPattern, formCondition: solidPattern, formTime: solidPattern, formLiquid: solidPattern,
	}
}

func (s shape) unitWords() []string {
	if s.units != nil {
		return s.units
	}
	return []string{"s", "m", "h", "d", "w", "mo", "y", "bd"}
}

// shape describes a value.
func (w *schemaWriter) shape(s shape) jsonObject {
	switch s.form {
	case formName: // 2026 is a name and, without quotes, a number
		return s.explained(jsonObject{{"type", []string{"string", "integer"}}, {"pattern", s.pattern()}, {"maxLength", 100}, {"minimum", 0}})
	case formWord:
		return s.explained(jsonObject{{"type", "string"}, {"pattern", s.pattern()}, {"maxLength", 60}})
	case formPhone: // +447700900000 without quotes is a number
		return s.explained(jsonObject{{"type", []string{"string", "integer"}}, {"pattern", s.pattern()}, {"minimum", 1_000_000}})
	case formText, formLiquid:
		return s.explained(jsonObject{{"type", []string{"string", "number", "boolean"}}, {"pattern", s.pattern()}})
	case formCondition:
		return s.explained(jsonObject{{"type", []string{"string", "boolean"}}, {"pattern", s.pattern()}})
	case formNumber:
		return jsonObject{{"type", "integer"}, {"minimum", s.low}, {"maximum", s.high}}
	case formBool:
		if s.low == 1 {
			return jsonObject{{"const", true}}
		}
		return jsonObject{{"type", "boolean"}}
	case formChoice:
		return jsonObject{{"enum", s.words}}
	case formEvent:
		w.events = true
		return jsonObject{{"$ref", "#/definitions/" + slug(placeEventType)}}
	case formAny:
		return jsonObject{}
	case formConstant, formList, formMapping, formEntries, formEither:
		return w.compound(s)
	case formString, formDuration, formLimit, formShare, formHours, formClock, formMoment, formSpan, formZone, formAddress, formMailbox,
		formDays, formLocale, formTime, formCustom, formAttribute, formPrice, formCountry:
	}
	return s.explained(jsonObject{{"type", "string"}, {"pattern", s.pattern()}})
}

// compound describes a value that is made of others.
func (w *schemaWriter) compound(s shape) jsonObject {
	switch s.form { //nolint:exhaustive // the others are not made of others
	case formConstant:
		return jsonObject{{"anyOf", []any{w.shape(a(formText)), w.shape(listOf(a(formText)))}}}
	case formList:
		out := jsonObject{{"type", "array"}, {"items", w.shape(s.of[0])}}
		if s.low > 0 {
			out = append(out, member{"minItems", s.low})
		}
		return out
	case formMapping:
		if s.rules == nil {
			return w.mapping(s.place)
		}
		return jsonObject{{"allOf", append([]any{w.mapping(s.place)}, w.rules(s.rules)...)}}
	case formEntries:
		return w.entries(s)
	default:
		all := make([]any, len(s.of))
		for i, x := range s.of {
			all[i] = w.shape(x)
		}
		return jsonObject{{"anyOf", all}}
	}
}

// explained adds what editors say about a text that does not fit, instead of its pattern.
func (s shape) explained(o jsonObject) jsonObject {
	if message := s.wrong(); message != "" {
		o = append(o, member{"patternErrorMessage", message})
	}
	return o
}

func (s shape) wrong() string {
	hint := strings.ReplaceAll(s.hint(), "`", "")
	switch s.form {
	case formDuration:
		return "This is not a duration. " + hint
	case formLimit, formShare, formHours, formClock, formMoment, formSpan, formZone, formLocale, formPhone, formPrice, formCountry:
		return "This is not written right. " + hint
	case formName:
		return "This is not a name: lower-case words joined by hyphens, such as silver-medallist-nurses."
	case formWord:
		return "Write lower-case words joined by underscores, such as second_letter."
	case formAddress, formMailbox:
		return "This is not an email address."
	case formDays:
		return "Write mon-fri, or days of the week."
	case formCustom:
		return "Write custom.NAME: an event type of your own."
	case formAttribute:
		return "Write attributes.NAME."
	case formText, formString, formLiquid, formCondition, formTime:
		return "This is empty."
	case formNumber, formBool, formEvent, formChoice, formConstant, formAny, formList, formMapping, formEntries, formEither:
	}
	return ""
}

// eventType describes an event type: one of the known ones, or one's own.
func eventType() jsonObject {
	return jsonObject{{"anyOf", []any{
		jsonObject{{"enum", crm.EventTypes()}},
		jsonObject{{"type", "string"}, {"pattern", customPattern.String()}},
	}}}
}

// entries describes a mapping with free keys.
func (w *schemaWriter) entries(s shape) jsonObject {
	out, name, value := jsonObject{{"type", "object"}}, s.of[0], w.shape(s.of[1])
	if name.form == formEvent { // known ones are completed
		var known jsonObject
		for _, t := range crm.EventTypes() {
			known = append(known, member{t, value})
		}
		out = append(out, member{"properties", known})
	}
	if pattern := name.pattern(); pattern == solidPattern {
		out = append(out, member{"additionalProperties", value})
	} else {
		out = append(out, member{"patternProperties", jsonObject{{pattern, value}}}, member{"additionalProperties", false})
	}
	if s.low > 0 {
		out = append(out, member{"minProperties", s.low})
	}
	return out
}

// hint says what a value looks like, in Markdown.
func (s shape) hint() string {
	switch s.form {
	case formDuration:
		if len(s.units) == 3 {
			return "For example `45m` or `2h`."
		}
		return "For example `30m`, `24h`, `3d`, `2w`, `6mo`, `1y` or `3bd` (business days)."
	case formLimit:
		return "For example `3/7d`."
	case formShare:
		return "For example `5%`."
	case formHours:
		return "For example `\"09:00-17:30\"`."
	case formClock:
		return "For example `\"09:00\"`."
	case formMoment:
		return "For example `2026-10-23T10:00`, with an offset such as `+01:00` if it is meant for one place."
	case formSpan:
		return "For example `\"2026-10-26 10:00-12:00\"`, or `2026-10-26` for the whole day."
	case formZone:
		return "An IANA time zone such as `Europe/London`."
	case formLocale:
		return "A language such as `cy`, or a language and country such as `pt-BR`."
	case formPhone, formPrice, formCountry:
		return s.form.example()
	case formCondition:
		return "A CEL expression. In a flow mapping, or when it begins with a quote, put it in single quotes."
	case formTime:
		return "A CEL expression for a moment, such as `candidate.last_decision_at`."
	case formLiquid:
		return "With variables: `{{ candidate.first_name | default: \"there\" }}`."
	case formName:
		return s.nameHint()
	case formNumber:
		return fmt.Sprintf("A whole number from %d to %d.", s.low, s.high)
	case formText, formString, formWord, formBool, formAddress, formMailbox, formDays, formEvent, formCustom, formAttribute,
		formChoice, formConstant, formAny, formList, formMapping, formEntries, formEither:
	}
	for _, x := range s.of {
		if hint := x.hint(); hint != "" && s.form == formEither {
			return hint
		}
	}
	return ""
}

// example says what a value of a few forms looks like.
func (f form) example() string {
	return map[form]string{
		formPhone:   "With the country code: `\"+447700900000\"`.",
		formPrice:   "With its currency: `0.04 GBP`.",
		formCountry: "Two capital letters, as ISO 3166-1 has them: `GB`.",
	}[f]
}

func (s shape) nameHint() string {
	if s.names != "" {
		return "The name of a " + s.names + "."
	}
	return "Lower-case words joined by hyphens, such as `silver-medallist-nurses`."
}
