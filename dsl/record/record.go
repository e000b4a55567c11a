package record

import "github.com/rapport-crm/rapport/crm"

// Record is a record of processing activities. The comments name what of GDPR Art. 30(1) a part answers.
type Record struct {
	MadeOn      string      `json:"made_on" doc:"The day, in UTC." format:"date"`
	Workspace   string      `json:"workspace"`
	Definitions int         `json:"definitions" doc:"How many documents it is made of."`
	Hash        string      `json:"hash" doc:"Of these documents: the same hash, the same definitions. SHA-256."`
	Settings    bool        `json:"settings" doc:"Whether the settings of a server are in it, or definitions alone."`
	Missing     []Missing   `json:"missing" nullable:"false" doc:"What nobody has said, and where to say it."`
	Controller  Controller  `json:"controller"`                  // (a)
	Purposes    []Purpose   `json:"purposes" nullable:"false"`   // (b)
	Activities  []Activity  `json:"activities" nullable:"false"` // (b), (c) and (d), one by one
	Stored      []Stored    `json:"stored" nullable:"false"`     // (c)
	Fields      []Field     `json:"fields" nullable:"false" doc:"Attributes of candidates that the workspace declares."`
	Undeclared  []Attribute `json:"undeclared" nullable:"false" doc:"Attributes that are used or stored, and not declared."`
	Recipients  []Recipient `json:"recipients" nullable:"false"` // (d)
	Transfers   []Transfer  `json:"transfers" nullable:"false"`  // (e)
	Limits      []Limit     `json:"limits" nullable:"false"`     // (f)
	Measures    []string    `json:"measures" nullable:"false"`   // (g)
}

// Missing is something that a record has to say, and nobody has said.
type Missing struct {
	What    string `json:"what"`
	Article string `json:"article"`
	Add     string `json:"add" doc:"What to write where."`
}

// Controller is who is responsible for the data.
type Controller struct {
	Name           string `json:"name,omitempty"`
	Address        string `json:"address,omitempty"`
	Email          string `json:"email,omitempty"`
	Country        string `json:"country,omitempty"`
	Joint          string `json:"joint,omitempty"`
	Representative string `json:"representative,omitempty"`
	DPO            string `json:"dpo,omitempty"`
}

// Purpose is what data are used for.
type Purpose struct {
	Name    string `json:"name"`
	Basis   string `json:"basis"`
	Wording string `json:"wording,omitempty"`
	Expires string `json:"expires,omitempty"`
}

// Activity is a processing activity: a definition in force.
type Activity struct {
	Kind        string   `json:"kind" enum:"sequence,interview,survey,retention"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Purposes    []string `json:"purposes" nullable:"false"`
	Basis       []string `json:"basis" nullable:"false"`
	Subjects    []string `json:"subjects" nullable:"false" doc:"Whose data."`
	Data        []Data   `json:"data" nullable:"false" doc:"What it reads, by category."`
	Writes      []string `json:"writes,omitempty" doc:"Fields of candidates that it sets."`
	Recipients  []string `json:"recipients" nullable:"false"`
}

// Data is what is read of one category. Data that nobody has given a category has Undeclared.
type Data struct {
	Category crm.Category `json:"category"`
	Fields   []string     `json:"fields" nullable:"false"`
}

// Undeclared is the category of attributes that the workspace does not declare.
const Undeclared crm.Category = "undeclared"

// Stored is some of what is stored.
type Stored struct {
	Subject  string       `json:"subject"`
	Category crm.Category `json:"category"`
	What     string       `json:"what"`
	For      string       `json:"for"`
	From     string       `json:"from"`
	Table    string       `json:"table"`
}

// Field is an attribute that the workspace declares.
type Field struct {
	Name     string       `json:"name"`
	Category crm.Category `json:"category"`
	Purpose  string       `json:"purpose"`
	Note     string       `json:"note,omitempty"`
	UsedBy   []string     `json:"used_by" nullable:"false"`
}

// Attribute is one that nobody has declared.
type Attribute struct {
	Name       string   `json:"name"`
	Candidates *int64   `json:"candidates,omitempty" doc:"How many candidates have it; not known without a server."`
	UsedBy     []string `json:"used_by" nullable:"false"`
}

// Recipient is somebody else who gets data. What is not said is "".
type Recipient struct {
	ID        string   `json:"id"`
	Name      string   `json:"name,omitempty"`
	For       string   `json:"for,omitempty"`
	Country   string   `json:"country,omitempty"`
	Safeguard string   `json:"safeguard,omitempty"`
	UsedBy    []string `json:"used_by" nullable:"false"`
}

// Transfer is data that leave for a third country.
type Transfer struct {
	Recipient string `json:"recipient"`
	Country   string `json:"country"`
	Safeguard string `json:"safeguard,omitempty"`
}

// Limit is how long data are kept.
type Limit struct {
	Policy      string `json:"policy"`
	Description string `json:"description,omitempty"`
	Applies     string `json:"applies_to"`
	Keep        string `json:"keep"`
	After       string `json:"after"`
	Then        string `json:"then,omitempty"`
	Notice      string `json:"notice,omitempty"`
	Basis       string `json:"basis"`
}

// Installation is what a server knows beside the definitions.
type Installation struct {
	Recipients []string         // of the recipients that dsl names, those that the settings hand data to
	Attributes map[string]int64 // how many candidates have each attribute
}
