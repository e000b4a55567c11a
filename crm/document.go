package crm

// Document is one definition as it was written: its own YAML text and where it stood.
type Document struct {
	Kind   string // such as KindSequence
	Name   string
	Locale string // of a message in another language, else ""
	Hash   string // sha256 in hex of the content: comments, quoting and layout do not change it
	Source string // this document's own YAML text
	File   string
	Line   int // of its first key in File, from 1
}

// Kinds of documents that others than the language itself know by name.
const (
	KindWorkspace = "workspace"
	KindSequence  = "sequence"
	KindMessage   = "message"
	KindPool      = "pool"
	KindSurvey    = "survey"
	KindInterview = "interview"
	KindRetention = "retention"
)

// Key names what a document defines: another one with the same key takes its place. There is one workspace, whatever its
// name.
func (d *Document) Key() string {
	if d.Kind == KindWorkspace {
		return d.Kind
	}
	return d.Kind + "\n" + d.Name + "\n" + d.Locale
}

// Runs tells whether candidates are enrolled in what the document defines. Names of such documents are unique over their kinds.
func (d *Document) Runs() bool { return d.Kind == KindSequence || d.Kind == KindInterview }

// Landing is where a run stands in another version of its definition.
type Landing struct {
	Kind   LandingKind `json:"kind"`
	From   string      `json:"from"`             // the instruction it stands at now; "" before the first
	To     string      `json:"to,omitempty"`     // the one it would stand at; "" where it ends, is refused, or has not begun
	Reason string      `json:"reason,omitempty"` // of a refusal: one sentence
}

// LandingKind says what becomes of a run's place.
type LandingKind string

// The kinds.
const (
	LandStays   LandingKind = "stays"   // the step it stands at is still there
	LandMoves   LandingKind = "moves"   // it goes on at another step
	LandEnds    LandingKind = "ends"    // nothing is left to do: it completes
	LandRefused LandingKind = "refused" // nobody can tell where it belongs: it stays on its version
)

// Migration is what a run becomes when it moves to another version of its definition.
type Migration struct {
	Hash     string
	Version  int
	Listens  []string
	Progress Progress
	Landing  Landing
}
