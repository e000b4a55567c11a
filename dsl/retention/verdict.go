package retention

import "time"

// State is where a candidate's data stand.
type State string

// The states.
const (
	Free       State = "free"       // no policy takes the data
	Held       State = "held"       // a legal hold stops everything
	Unclear    State = "unclear"    // a policy applies, and what it counts from is not known: nothing is taken before it is
	Busy       State = "busy"       // an application or an interview is open
	Restricted State = "restricted" // the candidate asked that the data be kept and not used
	Kept       State = "kept"       // the time has not come
	Notify     State = "notify"     // the candidate has to be told now
	Noticed    State = "noticed"    // the candidate was told, or it was tried; the date they were told has not come
	Due        State = "due"        // the policy takes the data now
)

// Verdict is what the policies say together about one candidate at a moment. All times are in UTC.
type Verdict struct {
	At     time.Time `json:"at"`
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"` // why the data are kept: a crm.Kept word; "" when they are due
	Policy string    `json:"policy,omitempty"` // that takes the data: of those that apply, the one that ends first; "" when Free
	Then   string    `json:"then,omitempty"`   // what it does: crm.RetentionAnonymize or RetentionErase
	Keeper string    `json:"keeper,omitempty"` // the minimum that ends last, also when it ends before the maximum

	// Until is the moment until which the data are kept, hold or not: the end of the maximum, or of the minimum if that is later.
	// It is zero when no policy says one.
	Until    time.Time `json:"until,omitzero"`
	Conflict bool      `json:"conflict,omitempty"` // the minimum ends after the maximum, and wins

	NoticeAt time.Time `json:"notice_at,omitzero"` // the run with which the notice goes out; zero when none is still to go
	DueAt    time.Time `json:"due_at,omitzero"`    // the run that takes the data, and what a notice names; zero while nothing can be taken
	NextAt   time.Time `json:"next_at,omitzero"`   // when time alone changes the verdict; zero: something has to happen first

	Notice *Notice  `json:"notice,omitempty"` // that counts for Until
	Holds  []string `json:"holds,omitempty"`  // why, when Held
	Rules  []Rule   `json:"rules"`            // what each policy says, by name

	zone    *time.Location
	unclear string // the policy without a date, when Unclear
}

// Notice is the notice that counts.
type Notice struct {
	State string    `json:"state"` // crm.NoticeState
	At    time.Time `json:"at"`
	Due   time.Time `json:"due"` // what it named
}

// Rule is what one policy says.
type Rule struct {
	Policy   string    `json:"policy"`
	Basis    string    `json:"basis,omitempty"`
	Minimum  bool      `json:"minimum,omitempty"` // it says how long at least
	Keep     string    `json:"keep"`              // for how long, as it is written
	Applies  bool      `json:"applies"`
	AfterIs  string    `json:"after_is"`          // the expression for what it counts from
	Problem  string    `json:"problem,omitempty"` // why a condition or the moment has no value; it holds no personal values
	After    time.Time `json:"after,omitzero"`    // what it counts from; zero when it does not apply or that is not known
	Until    time.Time `json:"until,omitzero"`    // the end; zero as After
	Extended time.Time `json:"extended,omitzero"` // the yes that the end counts from
	Extend   string    `json:"extend,omitempty"`  // how long after the yes, as it is written
	ZoneName string    `json:"zone"`              // IANA
	Applying string    `json:"applies_to"`        // the condition
	Then     string    `json:"then,omitempty"`    // "" for a minimum
	notice   bool
}

// Minimum is the policy that keeps the data longest, at the moment of the verdict, whoever asks for their deletion; nil: none does. One
// whose beginning is not known, so that Until is zero, keeps longer than any other.
func (v *Verdict) Minimum() *Rule {
	var longest *Rule
	for i := range v.Rules {
		r := &v.Rules[i]
		switch {
		case !r.Applies || !r.Minimum || !r.Until.IsZero() && !r.Until.After(v.At):
		case longest == nil, !longest.Until.IsZero() && (r.Until.IsZero() || r.Until.After(longest.Until)):
			longest = r
		}
	}
	return longest
}
