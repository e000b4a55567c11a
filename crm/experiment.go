package crm

import "time"

// ArmCount is how an arm of an experiment does, over all runs.
type ArmCount struct {
	Step     string
	Arm      string
	Assigned int // runs that were given the arm
	Measured int // of these, how many have met the measure
	Mature   int // of these, how many have had all the time that the measure gives them
	Met      int // of the mature ones, how many have met the measure: Met / Mature compares arms fairly, young runs do not
}

// SettledArm is the arm that everybody gets from a moment on.
type SettledArm struct {
	Step string
	Arm  string
	At   time.Time
}
