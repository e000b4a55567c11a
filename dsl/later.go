package dsl

// notYet lists what the language has and this version does not, by the place where it stands. Such a key or kind is refused
// with its own code, so that nobody takes it for a typing error. To add a construct, take it out here.
func notYet(place string) []string {
	switch place {
	case placeDocument:
		return []string{"interview", "retention", "pool", "survey"}
	case placeEnroll:
		return []string{"in", "at", "every", "pace"}
	case placeStep:
		return []string{"repeat", "do", "experiment", "enroll", "leave", "interview", "survey", "call", "ats", "emit"}
	case placeWait:
		return []string{"until", "on", "timeout"}
	case placeTask:
		return []string{"wait", "timeout", "outcomes"}
	case placeUpdate:
		return []string{"pool"}
	case placeMessage:
		return []string{"mjml"}
	case placeVariable:
		return []string{"interview", "retention"}
	}
	return nil
}

// Places of the grammar, as they are called in problems.
const (
	placeDocument  = "a document"
	placeWorkspace = "a workspace"
	placeSequence  = "a sequence"
	placeMessage   = "a message"
	placeTest      = "a test"
	placeEnroll    = "enroll"
	placeExit      = "exit"
	placeGoal      = "goal"
	placeBranch    = "a branch of wait_for"
	placeStep      = "a step"
	placeSend      = "an email or sms step"
	placeWait      = "wait"
	placeTask      = "task"
	placeUpdate    = "update"
	placeCalendar  = "a calendar"
	placeVariable  = "a template"
)
