package retention

import "time"

// ForecastDays is how far ahead a forecast looks that says nothing else.
const ForecastDays = 90

// Forecast is whom policies would tell and take in the days to come, if nothing changes meanwhile. It grows with the weeks, and not with
// the candidates.
type Forecast struct {
	At        time.Time      `json:"at"`
	Days      int            `json:"days"`
	Looked    int64          `json:"looked"`    // candidates
	Scope     int64          `json:"scope"`     // of them, those whom the policy would take one day
	Now       int64          `json:"now"`       // those whom its next run would take
	Tell      int64          `json:"tell"`      // those whom its next run would tell
	Conflicts int64          `json:"conflicts"` // a minimum ends after the maximum
	Unclear   int64          `json:"unclear"`   // it cannot be said until when data are kept
	Weeks     []ForecastWeek `json:"weeks"`
}

// ForecastWeek counts candidates of seven days.
type ForecastWeek struct {
	Starts  time.Time `json:"starts"`
	Noticed int64     `json:"noticed"`
	Taken   int64     `json:"taken"`
}

const week = 7 * 24 * time.Hour

// NewForecast returns one of nobody yet.
func NewForecast(at time.Time, days int) *Forecast {
	f := &Forecast{At: at.UTC(), Days: days}
	for starts := f.At; starts.Before(f.end()); starts = starts.Add(week) {
		f.Weeks = append(f.Weeks, ForecastWeek{Starts: starts})
	}
	return f
}

func (f *Forecast) end() time.Time { return f.At.Add(time.Duration(f.Days) * 24 * time.Hour) }

// Add counts a candidate, by what the policies say of them at the forecast's moment: of one policy, or of all for "". It tells whether they
// would be told or taken.
func (f *Forecast) Add(v *Verdict, policy string) (reached bool) {
	f.Looked++
	if v.State == Unclear && (policy == "" || v.unclear == policy) {
		f.Unclear++
	}
	if v.Policy == "" || policy != "" && v.Policy != policy {
		return false
	}
	f.Scope++
	if v.Conflict {
		f.Conflicts++
	}
	switch v.State { //nolint:exhaustive // nothing is done in the others
	case Due:
		f.Now++
	case Notify:
		f.Tell++
	}
	if w := f.week(v.NoticeAt); w != nil {
		w.Noticed++
		reached = true
	}
	if w := f.week(v.DueAt); w != nil {
		w.Taken++
		reached = true
	}
	return reached
}

// week is the one that a moment falls into; nil: none. What was due before is in the first.
func (f *Forecast) week(t time.Time) *ForecastWeek {
	if t.IsZero() || !t.Before(f.end()) {
		return nil
	}
	return &f.Weeks[max(0, int(t.Sub(f.At)/week))]
}

// Merge adds the numbers of another one, of the same moment and days, about other candidates.
func (f *Forecast) Merge(other *Forecast) {
	f.Looked += other.Looked
	f.Scope += other.Scope
	f.Now += other.Now
	f.Tell += other.Tell
	f.Conflicts += other.Conflicts
	f.Unclear += other.Unclear
	for i := range min(len(f.Weeks), len(other.Weeks)) {
		f.Weeks[i].Noticed += other.Weeks[i].Noticed
		f.Weeks[i].Taken += other.Weeks[i].Taken
	}
}

// Totals adds up the weeks.
func (f *Forecast) Totals() (noticed, taken int64) {
	for _, w := range f.Weeks {
		noticed, taken = noticed+w.Noticed, taken+w.Taken
	}
	return noticed, taken
}
