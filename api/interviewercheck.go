package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Bounds of an interviewer's fields.
const (
	maxInterviews = 100 // of a limit, by day or week
	maxWeight     = 100
	maxGap        = 24 * time.Hour
)

// CheckInterviewer returns everything that is wrong with an interviewer's fields, but not that the email address is missing.
// An import asks it about each row before anything is sent.
func CheckInterviewer(in *InterviewerInput) []Located {
	c := checker{}
	c.field("email", in.Email, isEmail, "it is not an email address")
	c.text("name", in.Name)
	c.field("locale", in.Locale, isLocale, "it is not a language tag like en-GB (BCP 47)")
	c.field("meeting_url", in.MeetingURL, isWebLink, "it is not a link like https://meet.example/maya")
	c.field("zone", in.Zone, isZone, "it is not a time zone like Europe/London (IANA)")
	if _, err := crm.ParseHours(in.Hours); err != nil {
		c.add("hours", err.Error())
	}
	c.list("skills", in.Skills)
	c.list("groups", in.Groups)
	for i, group := range in.Groups {
		if !isName(group) {
			c.add(fmt.Sprintf("groups[%d]", i), "it is not a name like backend-leads: lower-case letters, digits and hyphens")
		}
	}
	c.between("daily_limit", in.DailyLimit, maxInterviews)
	c.between("weekly_limit", in.WeeklyLimit, maxInterviews)
	c.between("weight", in.Weight, maxWeight)
	if in.MinGap != "" {
		if gap, err := dsl.ParseDuration(in.MinGap); err != nil || gap.Exact == 0 || gap.Exact > maxGap {
			c.add("min_gap", "it is not a time like 15m or 1h, up to 24h")
		}
	}
	return c.found
}

func isWebLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsFunc(text, unicode.IsSpace)
}

func (c *checker) between(field string, n, most int) {
	if n < 0 || n > most {
		c.add(field, fmt.Sprintf("it is not between 0 and %d", most))
	}
}

// refuseInterviewer is the problem with a body, if there is one.
func refuseInterviewer(in *InterviewerInput, needsEmail bool) *Problem {
	found := CheckInterviewer(in)
	if needsEmail && in.Email == "" {
		found = append(found, Located{Location: "email", Message: "it is missing"})
	}
	return located("The interviewer is not valid", found)
}

// located is the problem with a body whose fields are wrong, or nil.
func located(what string, found []Located) *Problem {
	if len(found) == 0 {
		return nil
	}
	for i := range found {
		found[i].Location = "body." + found[i].Location
	}
	return invalid(fmt.Sprintf("%s: %s: %s.", what, found[0].Location, found[0].Message), "Correct every field in errors and send it again.", found...)
}

// readInterviewer reads one item of a batch.
func readInterviewer(item json.RawMessage, input *InterviewerInput) []Located {
	if err := json.Unmarshal(item, input); err != nil {
		if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return []Located{{Location: typed.Field, Message: "it is a " + typed.Value + " and should be a " + typed.Type.String()}}
		}
		return []Located{{Location: "", Message: "it is not an object with an interviewer's fields"}}
	}
	found := CheckInterviewer(input)
	if input.Email == "" {
		found = append(found, Located{Location: "email", Message: "it is missing"})
	}
	for name := range input.present {
		if !slices.Contains(crm.InterviewerFields(), name) {
			found = append(found, Located{Location: name, Message: "there is no such field"})
		}
	}
	return found
}
