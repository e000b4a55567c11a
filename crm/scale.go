package crm

import "time"

// Scale maps real time to the time that Rapport lives in. They are the same, except in the sandbox, where a day may pass
// in a second so that a person can watch a nurture of weeks. The zero Scale is real time.
type Scale struct {
	Real    time.Time `json:"real,omitzero"`    // at this real instant
	Virtual time.Time `json:"virtual,omitzero"` // it was this time in Rapport
	Factor  float64   `json:"factor,omitempty"` // and this many virtual seconds pass in a real one; 0 is 1
}

// Now returns Rapport's time at a real instant.
func (s Scale) Now(at time.Time) time.Time {
	if s.identity() {
		return at
	}
	return s.Virtual.Add(time.Duration(float64(at.Sub(s.Real)) * s.factor()))
}

// RealTime returns the real instant of a time in Rapport. The zero time stays zero.
func (s Scale) RealTime(virtual time.Time) time.Time {
	if s.identity() || virtual.IsZero() {
		return virtual
	}
	return s.Real.Add(time.Duration(float64(virtual.Sub(s.Virtual)) / s.factor()))
}

// Scaled tells whether time passes faster than it really does.
func (s Scale) Scaled() bool { return s.factor() != 1 }

func (s Scale) identity() bool { return s.Real.Equal(s.Virtual) && s.factor() == 1 }

func (s Scale) factor() float64 {
	if s.Factor == 0 {
		return 1
	}
	return s.Factor
}
